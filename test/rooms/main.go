// Rooms prints which file of a package uses what of which other: the position, the file where it stands, and its name.
//
//	go run ./test/rooms FILE...
package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
)

func main() {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range os.Args[1:] {
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil), FakeImportC: true}
	if _, err := config.Check("main", fset, files, info); err != nil {
		log.Fatal(err)
	}
	for ident, object := range info.Uses {
		from, to := fset.Position(ident.Pos()), fset.Position(object.Pos()).Filename
		if object.Pkg() != nil && object.Pkg().Name() == "main" && to != "" && to != from.Filename {
			fmt.Println(from, to, ident.Name)
		}
	}
}
