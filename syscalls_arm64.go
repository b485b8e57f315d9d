package main

const native = arm64
