package main

import "syscall"

// Why a command does not run: a small value without pointers, which the launch can return before the Go runtime exists.

// reason says why launch returned. Its texts and exit codes are in main.go.
type reason uint8

const (
	noReason reason = iota
	wantHelp
	wantVersion
	wantRequested

	noCommand
	needsDashes
	unknownOption
	missingValue
	unwantedValue
	repeatedOption
	mixedGrammars
	emptyPath
	missingPath
	badDescriptor
	closedDescriptor
	badStatusFD
	keptStatusFD
	ownWithAs
	unknownProtection
	notAsked
	badABI
	badFormat
	badName
	secondRequest
	noPlan
	badPermission
	emptyCWD
	noPolicyCWD
	noPolicy
	needsMounts
	needsNetworkNamespace

	wantObject
	wantName
	wantColon
	wantCommaOrBrace
	wantCommaOrBracket
	wantValue
	wantDigit
	wantQuote
	wantEscape
	wantEscapedControl
	wantHex
	wantSurrogatePair
	wantUTF8
	wantEnd
	tooDeep
	repeatedMember
	noMode
	noType
	unknownMode
	unknownType
	tagNotString
	wantArray
	wantString
	wantBool
	wantAccess
	wantFullAccess
	nulInPath
	relativeRoot

	closingFailed
	noLandlock
	notEnforced
	rulesetFailed
	openFailed
	ruleFailed
	capabilitiesFailed
	noNewPrivsFailed
	restrictFailed
	filterFailed
	statusFailed
	execFailed
)

// failure is why the command does not run.
type failure struct {
	reason reason
	errno  syscall.Errno
	arg    int // index of the word that the message names; after notEnforced, the protection
	offset int // byte in that word
}
