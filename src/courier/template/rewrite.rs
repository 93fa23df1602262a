//! What a parsed template is made into before it runs. The library has no structs, no methods and no bounds, prints some
//! numbers unlike Go and looks neither for functions nor for variables that are not there; what stands in the tree for
//! each of these is a call of a function of [`super::own`].
use super::own;
use gotmpl::parse::{
    ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr,
};

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) what: String,
}

type Done<T = ()> = Result<T, Fault>;

/// Goes through a tree once.
pub(super) struct Rewriter<'a> {
    pub(super) is_known: &'a dyn Fn(&str) -> bool,
    /// The variables that can be seen, the innermost last.
    variables: Vec<SmolStr>,
    /// Fields of what the template is given, with their lines.
    pub(super) fields: Vec<(usize, SmolStr)>,
    /// Templates that are called, with their lines.
    pub(super) calls: Vec<(usize, SmolStr)>,
    /// How many loops and `with`s have given the dot another meaning.
    rebound: usize,
}

/// Functions that change the map that they are given.
const CHANGE_THEIR_MAP: &[&str] = &[
    "set",
    "unset",
    "merge",
    "mustMerge",
    "mergeOverwrite",
    "mustMergeOverwrite",
];

impl<'a> Rewriter<'a> {
    pub(super) fn new(is_known: &'a dyn Fn(&str) -> bool) -> Self {
        let variables = vec![SmolStr::new_static("$")];
        Self {
            is_known,
            variables,
            fields: vec![],
            calls: vec![],
            rebound: 0,
        }
    }

    pub(super) fn list(&mut self, list: &mut ListNode) -> Done {
        let nodes = std::mem::take(&mut list.nodes);
        for mut node in nodes {
            let after = self.node(&mut node)?;
            list.nodes.push(node);
            list.nodes.extend(after);
        }
        Ok(())
    }

    /// What has to stand behind the node: in Go, who changes a map changes it for everybody.
    fn node(&mut self, node: &mut Node) -> Done<Option<Node>> {
        match node {
            Node::List(list) => self.list(list)?,
            Node::Action(action) => {
                let changed = changed_variable(&action.pipe);
                self.pipe(&mut action.pipe)?;
                let after = changed.and_then(|(name, upto)| {
                    let commands = action.pipe.commands.get(..=upto)?.to_vec();
                    let pipe = PipeNode {
                        pos: action.pos,
                        decl: vec![name],
                        commands,
                        is_assign: true,
                    };
                    Some(Node::Action(ActionNode {
                        pos: action.pos,
                        pipe,
                    }))
                });
                if action.pipe.decl.is_empty() && !ends_in_escaper(&action.pipe) {
                    let print = command(action.pos, own::PRINT, vec![]);
                    action.pipe.commands.push(print);
                }
                return Ok(after);
            }
            Node::If(branch) => self.branch(branch, false)?,
            Node::With(branch) | Node::Range(branch) => self.branch(branch, true)?,
            Node::Template(call) => {
                self.calls.push((call.pos.line, call.name.clone()));
                match &mut call.pipe {
                    Some(pipe) => {
                        self.pipe(pipe)?;
                        pipe.commands.push(command(call.pos, own::DOT, vec![]));
                    }
                    None => {
                        let nothing = command(call.pos, own::NOTHING, vec![]);
                        call.pipe = Some(PipeNode {
                            pos: call.pos,
                            decl: vec![],
                            commands: vec![nothing],
                            is_assign: false,
                        });
                    }
                }
            }
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => {}
        }
        Ok(None)
    }

    fn branch(&mut self, branch: &mut BranchNode, rebinds: bool) -> Done {
        let outer = self.variables.len();
        self.pipe(&mut branch.pipe)?;
        let inner = self.variables.len();
        self.rebound += usize::from(rebinds);
        self.list(&mut branch.body)?;
        self.rebound -= usize::from(rebinds);
        self.variables.truncate(inner);
        if let Some(other) = &mut branch.else_body {
            self.list(other)?;
        }
        self.variables.truncate(outer);
        Ok(())
    }

    fn pipe(&mut self, pipe: &mut PipeNode) -> Done {
        let commands = std::mem::take(&mut pipe.commands);
        for (index, mut command) in commands.into_iter().enumerate() {
            let first = match command.args.first() {
                Some(Expr::Identifier(_, name)) => name.clone(),
                _ => SmolStr::default(),
            };
            let pos = command.pos;
            let wrapper = match first.as_str() {
                "html" | "js" | "urlquery" => Some(own::TEXT),
                _ => None,
            };
            self.command(&mut command, index > 0, wrapper)?;
            if let Some(wrapper) = wrapper
                && index > 0
            {
                pipe.commands.push(self::command(pos, wrapper, vec![]));
            }
            pipe.commands.push(command);
            if first == "js" {
                pipe.commands.push(self::command(pos, own::DOT, vec![]));
            }
        }
        if !pipe.decl.is_empty() && ends_in_escaper(pipe) {
            pipe.commands.push(command(pipe.pos, own::DOT, vec![]));
        }
        if pipe.is_assign {
            for name in &pipe.decl {
                self.variable(pipe.pos, name)?;
            }
        } else {
            self.variables.extend(pipe.decl.iter().cloned());
        }
        Ok(())
    }

    fn command(
        &mut self,
        command: &mut CommandNode,
        is_piped: bool,
        wrapper: Option<&'static str>,
    ) -> Done {
        let mut args = std::mem::take(&mut command.args).into_iter();
        let Some(first) = args.next() else {
            return Ok(());
        };
        let mut rest = vec![];
        for arg in args {
            let arg = self.expr(arg)?;
            rest.push(match wrapper {
                Some(name) => call(arg.pos(), name, vec![arg]),
                None => arg,
            });
        }
        let has_more = is_piped || !rest.is_empty();
        command.args = match first {
            Expr::Identifier(pos, name) => {
                self.function(pos, &name)?;
                let mut args = vec![Expr::Identifier(pos, name)];
                args.append(&mut rest);
                args
            }
            // Only methods take arguments: `.UserRequestHeaders.Get "X-Y"`.
            Expr::Field(pos, mut names) if has_more => {
                self.field(pos, &names);
                let method = names.pop().unwrap_or_default();
                let of = looked_up(pos, Expr::Dot(pos), &names);
                method_call(pos, of, &method, rest)
            }
            Expr::Variable(pos, name, mut names) if has_more && !names.is_empty() => {
                self.variable(pos, &name)?;
                self.field_of(pos, &name, &names);
                let method = names.pop().unwrap_or_default();
                let of = looked_up(pos, Expr::Variable(pos, name, vec![]), &names);
                method_call(pos, of, &method, rest)
            }
            Expr::Chain(pos, inner, mut names) if has_more => {
                let inner = self.expr(*inner)?;
                let method = names.pop().unwrap_or_default();
                let of = looked_up(pos, inner, &names);
                method_call(pos, of, &method, rest)
            }
            other => {
                let mut args = vec![self.expr(other)?];
                args.append(&mut rest);
                args
            }
        };
        Ok(())
    }

    fn expr(&mut self, expr: Expr) -> Done<Expr> {
        Ok(match expr {
            Expr::Field(pos, names) => {
                self.field(pos, &names);
                looked_up(pos, Expr::Dot(pos), &names)
            }
            Expr::Variable(pos, name, names) => {
                self.variable(pos, &name)?;
                self.field_of(pos, &name, &names);
                looked_up(pos, Expr::Variable(pos, name, vec![]), &names)
            }
            Expr::Identifier(pos, name) => {
                self.function(pos, &name)?;
                Expr::Identifier(pos, name)
            }
            Expr::Pipe(pos, mut pipe) => {
                self.pipe(&mut pipe)?;
                Expr::Pipe(pos, pipe)
            }
            Expr::Chain(pos, inner, names) => {
                let inner = self.expr(*inner)?;
                looked_up(pos, inner, &names)
            }
            other => other,
        })
    }

    fn field(&mut self, pos: Pos, names: &[SmolStr]) {
        if self.rebound == 0 {
            self.field_of(pos, "$", names);
        }
    }

    fn field_of(&mut self, pos: Pos, variable: &str, names: &[SmolStr]) {
        if variable == "$"
            && let Some(name) = names.first()
        {
            self.fields.push((pos.line, name.clone()));
        }
    }

    fn function(&self, pos: Pos, name: &str) -> Done {
        if (self.is_known)(name) {
            return Ok(());
        }
        Err(Fault {
            line: pos.line,
            what: format!("there is no function `{name}`"),
        })
    }

    fn variable(&self, pos: Pos, name: &SmolStr) -> Done {
        if self.variables.contains(name) {
            return Ok(());
        }
        Err(Fault {
            line: pos.line,
            what: format!("there is no variable `{name}`"),
        })
    }
}

/// The variable whose map is changed, and the command that does it.
fn changed_variable(pipe: &PipeNode) -> Option<(SmolStr, usize)> {
    let mut commands = pipe.commands.iter().enumerate();
    commands.find_map(|(index, command)| match command.args.as_slice() {
        [
            Expr::Identifier(_, name),
            Expr::Variable(_, variable, fields),
            ..,
        ] if CHANGE_THEIR_MAP.contains(&name.as_str()) && fields.is_empty() && variable != "$" => {
            Some((variable.clone(), index))
        }
        _ => None,
    })
}

/// These have to be the last, or the library refuses them.
fn ends_in_escaper(pipe: &PipeNode) -> bool {
    let last = pipe.commands.last().and_then(|c| c.args.first());
    matches!(last, Some(Expr::Identifier(_, name)) if name == "html" || name == "urlquery")
}

fn looked_up(pos: Pos, of: Expr, names: &[SmolStr]) -> Expr {
    if names.is_empty() {
        return of;
    }
    let line = i64::try_from(pos.line).unwrap_or(0);
    let mut args = vec![of, Expr::Number(pos, Number::Int(line))];
    args.extend(names.iter().map(|name| text(pos, name)));
    call(pos, own::FIELD, args)
}

fn method_call(pos: Pos, of: Expr, method: &str, mut rest: Vec<Expr>) -> Vec<Expr> {
    let mut args = vec![
        Expr::Identifier(pos, own::METHOD.into()),
        of,
        text(pos, method),
    ];
    args.append(&mut rest);
    args
}

fn text(pos: Pos, text: &str) -> Expr {
    Expr::String(pos, text.into())
}

fn command(pos: Pos, name: &'static str, args: Vec<Expr>) -> CommandNode {
    let mut all = vec![Expr::Identifier(pos, SmolStr::new_static(name))];
    all.extend(args);
    CommandNode { pos, args: all }
}

fn call(pos: Pos, name: &'static str, args: Vec<Expr>) -> Expr {
    let pipe = PipeNode {
        pos,
        decl: vec![],
        commands: vec![command(pos, name, args)],
        is_assign: false,
    };
    Expr::Pipe(pos, pipe)
}
