package main

const native = amd64
