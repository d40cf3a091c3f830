# In the child: how the text of the tests is made to look at what it compares, before any of the code runs.
import ast


class Looks(ast.NodeTransformer):
    """
    Lets comparisons, differences, calls and decisions of the tests go through the looker, which is put in as a constant later. `known` has
    by name what the tests call, as it is before the code.
    """

    def __init__(self, known):
        self.known = known

    def visit_Constant(self, node):
        """Most of what tests compare with are tables of these."""
        return node

    def visit_Name(self, node):
        if not isinstance(node.ctx, ast.Load):
            return node
        found = through("function", node, node) if node.id in FUNCTIONS else node
        return self.as_known(found, node.id)

    def as_known(self, node, name):
        """It may be put in place for one call, and back before anybody compares."""
        if is_function(self.known.get(name)):
            return through("known", node, ast.Constant(WAS + name), ast.Constant(name), node)
        return node

    def visit_FunctionDef(self, node):
        """A test tells that it has begun, and what it ends by, where nobody but pytest may keep it from it."""
        told = (node.name.startswith("test") or node.name == "runTest") and marks_only(node.decorator_list)
        self.generic_visit(node)
        if told:
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
        name, dotted, method = getattr(node.func, "attr", getattr(node.func, "id", "")), is_dotted(node.func), isinstance(node.func, ast.Attribute)
        self.generic_visit(node)
        func = node.func
        if name == "fail" and method:
            node.func = through("failing", node, ast.Constant(node.lineno), func)
            return node
        decides = name.startswith(("assert", "@py_assert")) or name in PREDICATES | METHODS | SEARCHES | FUNCTIONS
        if decides and dotted and node.args and not any(isinstance(each, ast.Starred) for each in node.args):
            if name.startswith("assert"):
                of_case = isinstance(func, ast.Attribute) and getattr(func.value, "id", "") == "self"
                call = through("asserting", node, ast.Constant(node.lineno), ast.Constant(of_case and name), func, *node.args)
                call.keywords = node.keywords
                return call
            node.args = [ast.copy_location(ast.Starred(through("given", node, func, *node.args), ast.Load()), node)]
        return node

    def visit_Attribute(self, node):
        """A function that compares may be handed on to what calls it."""
        whole = dotted_name(node)
        self.generic_visit(node)
        handed = isinstance(node.ctx, ast.Load) and node.attr in FUNCTIONS and getattr(node.value, "id", "") == "operator"
        found = through("function", node, node) if handed else node
        return self.as_known(found, whole) if isinstance(node.ctx, ast.Load) else found

    def visit_match_case(self, node):
        """Patterns hold plain names only."""
        node.guard = node.guard and self.visit(node.guard)
        node.body = [made for each in node.body for made in as_list(self.visit(each))]
        return node

    def visit_Raise(self, node):
        """An assertion in other words."""
        raised = getattr(node.exc, "func", node.exc)
        self.generic_visit(node)
        if getattr(raised, "id", "") != "AssertionError":
            return node
        told = through("failing", node, ast.Constant(node.lineno), ast.Constant(None))
        return [ast.copy_location(ast.Expr(told), node), node]

    def visit_With(self, node):
        self.generic_visit(node)
        if any(getattr(getattr(item.context_expr, "func", None), "attr", "") == "subTest" for item in node.items):
            left = [ast.copy_location(ast.Expr(through("left", node)), node), ast.copy_location(ast.Raise(), node)]
            node.body = [ast.copy_location(ast.Try(node.body, [ast.copy_location(ast.ExceptHandler(body=left), node)], [], []), node)]
        return node

    def visit_Match(self, node):
        values = [each.value for case in node.cases for each in ast.walk(case.pattern) if isinstance(each, ast.MatchValue)]
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
    for made in (call, call.func, *arguments):  # Not all below them, which is much, and has its place.
        if not hasattr(made, "lineno"):
            made.lineno, made.col_offset, made.end_lineno, made.end_col_offset = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
    return call


def as_list(made):
    return made if isinstance(made, list) else [made]


def dotted_name(node):
    """`a.b.c` of attributes of a name, or an empty text."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def is_function(value):
    return type(value) in (type, type(is_function), type(len)) or home_of(type(value)).startswith("numpy") and callable(value)


WAS = "@was."


def with_looker(code, looker, known):
    """The compiled tests, where the looker stands as a constant: no name leads to it that the code could take away."""
    constants = []
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            constant = with_looker(constant, looker, known)
        elif type(constant) is str and constant.startswith("@assay."):
            constant = getattr(looker, constant[len("@assay.") :])
        elif type(constant) is str and constant.startswith(WAS):
            constant = known[constant[len(WAS) :]]
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def compile_looking(tree, path, looker, known):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That a text is called, as it seems here.
        return with_looker(compile(Looks(known).visit(tree), path, "exec", dont_inherit=True), looker, known)
