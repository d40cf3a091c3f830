# In the child: how the text of the tests is made to look at what it compares, before any of the code runs.
import ast


class Looks(ast.NodeTransformer):
    """Lets comparisons, differences, calls and decisions of the tests go through the looker, which is put in as a constant later."""

    def visit_Constant(self, node):
        """Most of what tests compare with are tables of these."""
        return node

    def visit_Name(self, node):
        return through("function", node, node) if node.id in FUNCTIONS and isinstance(node.ctx, ast.Load) else node

    def visit_FunctionDef(self, node):
        """A test tells that it has begun, and what it ends by, where nobody but pytest may keep it from it."""
        self.generic_visit(node)
        if (node.name.startswith("test") or node.name == "runTest") and marks_only(node.decorator_list):
            at = 1 if ast.get_docstring(node, clean=False) is not None else 0
            begun, raised = (ast.copy_location(ast.Expr(through(word, node, ast.Constant(node.name))), node) for word in ("begun", "raised"))
            handler = ast.copy_location(ast.ExceptHandler(body=[raised, ast.copy_location(ast.Raise(), node)]), node)
            whole = ast.copy_location(ast.Try(node.body[at:], [handler], [], []), node)
            node.body[at:] = [begun, whole] if node.body[at:] else [begun]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Compare(self, node):
        self.generic_visit(node)
        if any(type(op) not in OPERATIONS for op in node.ops):
            return node
        if len(node.ops) == 1:
            return through("compare", node, ast.Constant(type(node.ops[0]).__name__), node.left, node.comparators[0])
        node.left = through("alone", node, node.left)
        node.comparators = [through("alone", node, each) for each in node.comparators]
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        name = type(node.op).__name__
        return through("reckon", node, ast.Constant(name), node.left, node.right) if name in RECKONED else node

    def visit_Call(self, node):
        self.generic_visit(node)
        func = node.func
        name = getattr(func, "attr", getattr(func, "id", ""))
        decides = name.startswith(("assert", "@py_assert")) or name in PREDICATES | METHODS | SEARCHES | FUNCTIONS
        if decides and is_dotted(func) and node.args and not any(isinstance(each, ast.Starred) for each in node.args):
            if name.startswith("assert"):
                call = through("asserting", node, ast.Constant(node.lineno), func, *node.args)
                call.keywords = node.keywords
                return call
            node.args = [ast.copy_location(ast.Starred(through("given", node, func, *node.args), ast.Load()), node)]
        return node

    def visit_Attribute(self, node):
        """A function that compares may be handed on to what calls it."""
        self.generic_visit(node)
        handed = isinstance(node.ctx, ast.Load) and node.attr in FUNCTIONS and getattr(node.value, "id", "") == "operator"
        return through("function", node, node) if handed else node

    def visit_Match(self, node):
        values = [each.value for each in ast.walk(node) if isinstance(each, ast.MatchValue)]
        self.generic_visit(node)
        node.subject = through("matched", node.subject, node.subject, *values)
        return node

    def visit_Assert(self, node):
        self.generic_visit(node)
        node.test = through("sure", node, node.test, ast.Constant(node.lineno))
        return node

    def visit_If(self, node):
        if is_rewritten_assert(node):  # What follows only says how it has failed.
            node.test.operand = through("sure", node, self.visit(node.test.operand), ast.Constant(node.lineno))
            return node
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        holder, field = (node.test, "operand") if negated else (node, "test")
        decides = isinstance(getattr(holder, field), ast.Compare) or getattr(getattr(holder, field), "id", "").startswith("@py_assert")
        self.generic_visit(node)
        if decides:
            setattr(holder, field, through("truth", node, getattr(holder, field)))
        return node

    def visit_For(self, node):
        """What a loop goes through is only looked at after the footing of what makes it."""
        self.generic_visit(node)
        if isinstance(node.iter, ast.Call):
            both = ast.Tuple([through("truth", node, ast.Constant(None)), node.iter], ast.Load())
            node.iter = ast.fix_missing_locations(ast.copy_location(ast.Subscript(both, ast.Constant(1), ast.Load()), node.iter))
        return node


def is_rewritten_assert(node):
    """What pytest makes of an assertion."""
    last = node.body[-1]
    return isinstance(last, ast.Raise) and getattr(getattr(last.exc, "func", None), "id", "") == "AssertionError" and isinstance(node.test, ast.UnaryOp)


def is_dotted(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def through(name, node, *arguments):
    call = ast.Call(ast.Constant("@assay." + name), list(arguments), [])
    return ast.fix_missing_locations(ast.copy_location(call, node))


def with_looker(code, looker):
    """The compiled tests, where the looker stands as a constant: no name leads to it that the code could take away."""
    constants = []
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            constant = with_looker(constant, looker)
        elif type(constant) is str and constant.startswith("@assay."):
            constant = getattr(looker, constant[len("@assay.") :])
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def compile_looking(tree, path, looker):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That a text is called, as it seems here.
        return with_looker(compile(Looks().visit(tree), path, "exec", dont_inherit=True), looker)
