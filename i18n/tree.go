package i18n

import (
	"slices"
	"text/template"
	"text/template/parse"
)

// Inspect calls visit for every node below n, n first. It knows the templates of
// pages and mails too, which are parsed to the same trees.
func Inspect(n parse.Node, visit func(parse.Node)) {
	var list func(*parse.ListNode)
	branch := func(b parse.BranchNode) {
		Inspect(b.Pipe, visit)
		list(b.List)
		list(b.ElseList)
	}
	list = func(l *parse.ListNode) {
		if l == nil {
			return
		}
		for _, n := range l.Nodes {
			Inspect(n, visit)
		}
	}
	visit(n)
	switch n := n.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.ActionNode:
		Inspect(n.Pipe, visit)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, c := range n.Cmds {
			Inspect(c, visit)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			Inspect(a, visit)
		}
	case *parse.ChainNode:
		Inspect(n.Node, visit)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			Inspect(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(n.BranchNode)
	case *parse.RangeNode:
		branch(n.BranchNode)
	case *parse.WithNode:
		branch(n.BranchNode)
	}
}

// placeholdersOf lists the values that a message uses, sorted.
func placeholdersOf(text string) ([]string, error) {
	t, err := template.New("message").Parse(text)
	if err != nil {
		return nil, err
	}
	var found []string
	if t.Tree == nil {
		return nil, nil
	}
	Inspect(t.Root, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.FieldNode:
			found = append(found, n.Ident[0])
		case *parse.VariableNode:
			found = append(found, n.Ident[1:]...)
		}
	})
	slices.Sort(found)
	return slices.Compact(found), nil
}
