package main

// systemCall is what the restricted context and its stand-ins meet in: who may assign it, and where the launch calls it.

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// sources are the Go files of the package.
type sources struct {
	positions *token.FileSet
	files     []*ast.File
}

// parseSources reads all files of this architecture, tests included.
func parseSources(t testing.TB) *sources {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("needs the source")
	}
	s := &sources{positions: token.NewFileSet()}
	for _, name := range names {
		s.parse(t, name, nil)
	}
	return s
}

func (s *sources) parse(t testing.TB, name string, content any) {
	t.Helper()
	file, err := parser.ParseFile(s.positions, name, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s.files = append(s.files, file)
}

// at is a place as file:line.
func (s *sources) at(n ast.Node) string {
	p := s.positions.Position(n.Pos())
	return filepath.Base(p.Filename) + ":" + strconv.Itoa(p.Line)
}

// functions calls f for every declared function.
func (s *sources) functions(f func(file string, d *ast.FuncDecl)) {
	for _, file := range s.files {
		for _, d := range file.Decls {
			if d, is := d.(*ast.FuncDecl); is {
				f(s.positions.Position(file.Pos()).Filename, d)
			}
		}
	}
}

// systemCallsOf lists where a function of the core, and those that it calls, call systemCall or a function that does.
func (s *sources) systemCallsOf(root string) (places []string) {
	type called struct {
		name, place string
	}
	calls := map[string][]called{}
	s.functions(func(file string, d *ast.FuncDecl) {
		if !slices.ContainsFunc(core, func(row []string) bool { return slices.Contains(row, filepath.Base(file)) }) || d.Body == nil {
			return
		}
		ast.Inspect(d.Body, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is {
				switch fun := call.Fun.(type) {
				case *ast.Ident:
					calls[d.Name.Name] = append(calls[d.Name.Name], called{fun.Name, s.at(fun)})
				case *ast.SelectorExpr:
					calls[d.Name.Name] = append(calls[d.Name.Name], called{fun.Sel.Name, s.at(fun.Sel)})
				}
			}
			return true
		})
	})
	leads := map[string]bool{"systemCall": true}
	for more := true; more; {
		more = false
		for name, list := range calls {
			if !leads[name] && slices.ContainsFunc(list, func(c called) bool { return leads[c.name] }) {
				leads[name], more = true, true
			}
		}
	}
	reached := []string{root}
	for i := 0; i < len(reached); i++ {
		for _, c := range calls[reached[i]] {
			if leads[c.name] && !slices.Contains(places, c.place) {
				places = append(places, c.place)
			}
			if !slices.Contains(reached, c.name) {
				reached = append(reached, c.name)
			}
		}
	}
	return places
}

// misuses lists where systemCall is assigned by another than withKernel, and where withKernel is given what is no top-level function.
// The garbage collector does not see systemCall, and would free a closure.
func (s *sources) misuses() (places []string) {
	top := map[string]bool{}
	s.functions(func(_ string, d *ast.FuncDecl) { top[d.Name.Name] = top[d.Name.Name] || d.Recv == nil })
	isSystemCall := func(e ast.Expr) bool {
		for {
			p, is := e.(*ast.ParenExpr)
			if !is {
				break
			}
			e = p.X
		}
		name, is := e.(*ast.Ident)
		return is && name.Name == "systemCall"
	}
	for _, file := range s.files {
		for _, d := range file.Decls {
			f, isFunction := d.(*ast.FuncDecl)
			changes := isFunction && f.Recv == nil && f.Name.Name == "withKernel"
			local, called := map[string]bool{}, map[*ast.Ident]bool{}
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for _, e := range n.Lhs {
						if name, is := e.(*ast.Ident); is && n.Tok == token.DEFINE {
							local[name.Name] = true
						}
					}
				case *ast.ValueSpec:
					for _, name := range n.Names {
						local[name.Name] = local[name.Name] || isFunction
					}
				case *ast.Field:
					for _, name := range n.Names {
						local[name.Name] = true
					}
				}
				return true
			})
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					if slices.ContainsFunc(n.Lhs, isSystemCall) && !changes {
						places = append(places, s.at(n))
					}
				case *ast.RangeStmt:
					if isSystemCall(n.Key) || isSystemCall(n.Value) {
						places = append(places, s.at(n))
					}
				case *ast.UnaryExpr:
					if n.Op == token.AND && isSystemCall(n.X) {
						places = append(places, s.at(n))
					}
				case *ast.ValueSpec:
					if slices.ContainsFunc(n.Names, func(e *ast.Ident) bool { return isSystemCall(e) }) && (isFunction || n.Values != nil) {
						places = append(places, s.at(n))
					}
				case *ast.CallExpr:
					if name, is := n.Fun.(*ast.Ident); is && name.Name == "withKernel" {
						called[name] = true
						kernel, is := n.Args[0].(*ast.Ident)
						if !is || !top[kernel.Name] || local[kernel.Name] {
							places = append(places, s.at(n))
						}
					}
				case *ast.Ident:
					// Another use of withKernel could hide what it is given.
					if n.Name == "withKernel" && !called[n] && !(isFunction && n == f.Name) {
						places = append(places, s.at(n))
					}
				}
				return true
			})
		}
	}
	return places
}

func TestKernelAssigned(t *testing.T) {
	if places := parseSources(t).misuses(); len(places) > 0 {
		t.Errorf("%q", places)
	}
}

// What TestKernelAssigned must find.
func TestKernelMisused(t *testing.T) {
	const head = "package main\nvar systemCall func()\nfunc kernel() {}\ntype k struct{}\nfunc (k) method() {}\n" +
		"func withKernel(kernel func(), f func()) { systemCall = kernel; f(); defer func() { systemCall = nil }() }\n"
	for code, wrong := range map[string]bool{
		"func f() { withKernel(kernel, func() {}) }":                   false,
		"func f() { systemCall() }":                                    false,
		"func f() { g := systemCall; g() }":                            false,
		"func f() { systemCall = kernel }":                             true,
		"func f() { (systemCall) = kernel }":                           true,
		"func f() { _, systemCall = 1, kernel }":                       true,
		"func f() { p := &systemCall; *p = kernel }":                   true,
		"func f(all []func()) { for _, systemCall = range all {} }":    true,
		"func f() { withKernel(func() {}, nil) }":                      true,
		"func f() { g := kernel; withKernel(g, nil) }":                 true,
		"func f() { kernel := func() {}; withKernel(kernel, nil) }":    true,
		"func f(kernel func()) { withKernel(kernel, nil) }":            true,
		"func f() { var kernel = func() {}; withKernel(kernel, nil) }": true,
		"func f() { withKernel(k{}.method, nil) }":                     true,
		"var method func()\nfunc f() { withKernel(method, nil) }":      true,
		"func f() { g := withKernel; g(func() {}, nil) }":              true,
		"var g = withKernel":                                           true,
		"func f() { var systemCall = kernel; systemCall() }":           true,
		"func (k) withKernel(f func()) { systemCall = f }":             true,
	} {
		s := &sources{positions: token.NewFileSet()}
		s.parse(t, "a.go", head+code)
		if places := s.misuses(); (len(places) > 0) != wrong {
			t.Errorf("%s: %q", code, places)
		}
	}
}

// otherKernel stands in for systemCall, and answers what no kernel does.
func otherKernel(nr, _, _, _, _, _ uintptr) uintptr { return nr + 1000 }

// TestWithKernel: the other kernel is there for the time of the call, also of one that panics, and only one is at a time.
func TestWithKernel(t *testing.T) {
	address := func() uintptr { return reflect.ValueOf(systemCall).Pointer() }
	before := address()
	panics := func(f func()) (panicked bool) {
		defer func() { panicked = recover() != nil }()
		f()
		return
	}
	for range 2 {
		inside := false
		withKernel(otherKernel, func() {
			inside = systemCall(7, 0, 0, 0, 0, 0) == 1007
			if !panics(func() { withKernel(faultyKernel, func() { t.Error("a second kernel") }) }) {
				t.Error("a second kernel is taken")
			}
			inside = inside && systemCall(8, 0, 0, 0, 0, 0) == 1008
		})
		if !inside || address() != before {
			t.Errorf("replaced %v, and put back %v", inside, address() == before)
		}
		if !panics(func() { withKernel(otherKernel, func() { panic("inside") }) }) || address() != before {
			t.Error("it is not put back after a panic")
		}
	}
}
