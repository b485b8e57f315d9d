package main

// What --why knows of the calls that arm64 alone has: none.

var (
	archPathCalls       []pathCall
	archPrivilegedCalls []privilegedCall
)
