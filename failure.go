package main

// Why a command does not run. A failure is a small value without pointers: the launch returns it before the Go runtime exists.

import "syscall"

// reason says why launch or a report failed. messages has a row for each.
type reason uint8

const (
	noReason reason = iota

	// The command line.
	noCommand
	needsDashes
	unknownOption
	missingValue
	unwantedValue
	repeatedOption
	mixedGrammars
	emptyPath
	withoutRead
	badPort
	networksExclude
	badDescriptor
	badStatusFD
	keptStatusFD
	ownWithAs
	badName
	badPermission
	emptyCWD
	noPolicyCWD
	noPolicy
	noFileSystem
	noNetworkPolicy
	profileAndPolicy
	needsMounts
	needsNetworkNamespace
	unprotectedAlone

	// The policy's JSON: what is wrong at a byte.
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

	// The newer client's policy.
	noField
	unknownWord
	relativePath
	upwardPath
	noWorkingDirectory
	policyTooLong
	gitFailed
	noName
	wantEntries
	globEntry
	narrowerThanRoot
	deniedInside
	writableInside
	linkedInside

	// The steps of the launch, in their order.
	closedDescriptor
	statusNotWritable
	closingFailed
	protectFailed
	protectUnplaced
	protectUnwritable
	protectWritable
	keptInside
	namespaceFailed
	mapFailed
	slaveFailed
	mountFailed
	cwdFailed
	loopbackFailed
	noLandlock
	noPorts
	noUnixPaths
	keptSocket
	notEnforced
	rulesetFailed
	hideFailed
	hidesRoot
	openFailed
	missingPath
	listNoDirectory
	readsHidden
	hidesWritable
	hidesByLink
	listingFailed
	ruleFailed
	portFailed
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
	arg    int // index of the word that the message names; after notEnforced, of the right; a descriptor; an ABI
	offset int // byte in that word

	// rewritten: the word is one of the command line that rewrite made.
	rewritten bool
}
