//! Reads one ABNF grammar (SRGS 1.0) into a tree. Every mistake is collected; after one, reading goes on at the next `;`.

use std::collections::BTreeMap;

use super::error::Problem;
use super::lex::{self, Mistake, Place, Token};

/// One file.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The rule for a reference that names only the file.
    pub root: Option<(Place, String)>,
    pub rules: BTreeMap<String, Rule>,
    /// The first rule, public ones before private ones: the root of a grammar that names none.
    pub first: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub place: Place,
    pub public: bool,
    pub body: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Words as written; the compiler cuts and lowers them.
    Words(String),
    Tag(String),
    Reference {
        place: Place,
        file: Option<String>,
        rule: Option<String>,
    },
    Sequence(Vec<Node>),
    /// Alternatives, each with its weight if one is written.
    Choice(Vec<(Option<f32>, Node)>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
    /// Can never be said.
    Void,
}

const DEPTH_LIMIT: u32 = 100;
/// `a<2><3>` is legal; a long row of repeats is a slip.
const REPEATS_OF_REPEATS: u32 = 3;

pub fn parse(text: &str) -> (Tree, Vec<Mistake>) {
    let (tokens, mistakes) = lex::tokens(text);
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        tree: Tree::default(),
        mistakes,
    };
    while parser.at < parser.tokens.len() {
        if let Err(mistake) = parser.statement() {
            parser.mistakes.push(mistake);
            parser.recover();
        }
    }
    let Parser {
        tree, mut mistakes, ..
    } = parser;
    if tree.rules.is_empty() && mistakes.is_empty() {
        mistakes.push((Place { line: 1, column: 1 }, Problem::NoRules));
    }
    mistakes.sort_by_key(|(place, _)| *place);
    (tree, mistakes)
}

struct Parser {
    tokens: Vec<(Place, Token)>,
    at: usize,
    depth: u32,
    tree: Tree,
    mistakes: Vec<Mistake>,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn place(&self) -> Place {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(Place { line: 1, column: 1 }, |(place, _)| *place)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, Mistake> {
        let found = self
            .peek()
            .map_or_else(|| "the end of the file".into(), Token::describe);
        Err((self.place(), Problem::Expected { expected, found }))
    }

    fn recover(&mut self) {
        while self.at < self.tokens.len() && !self.take(&Token::Semicolon) {
            self.at += 1;
        }
    }

    fn statement(&mut self) -> Result<(), Mistake> {
        let place = self.place();
        match self.peek().cloned() {
            Some(Token::Semicolon) => {
                self.at += 1;
                return Ok(());
            }
            Some(Token::Declaration { keyword, value }) => {
                self.at += 1;
                self.declare(place, &keyword, &value)?;
            }
            _ => self.rule(place)?,
        }
        if self.at < self.tokens.len() && !self.take(&Token::Semicolon) {
            return self.expected("`;` at the end of the statement");
        }
        Ok(())
    }

    fn declare(&mut self, place: Place, keyword: &str, value: &str) -> Result<(), Mistake> {
        if keyword != "root" {
            return Ok(());
        }
        let Some(name) = value
            .strip_prefix('$')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        else {
            return Err((
                place,
                Problem::Expected {
                    expected: "the root rule, as in `root $inicio;`",
                    found: format!("`{value}`"),
                },
            ));
        };
        self.tree.root = Some((place, name.to_owned()));
        Ok(())
    }

    fn rule(&mut self, place: Place) -> Result<(), Mistake> {
        let scope = match self.peek() {
            Some(Token::Word(word)) if word == "public" || word == "private" => {
                Some(word == "public")
            }
            _ => None,
        };
        self.at += usize::from(scope.is_some());
        let Some(Token::Rule(name)) = self.peek().cloned() else {
            return self.expected("a rule, as in `public $sim = sim {SIM};`");
        };
        self.at += 1;
        if !self.take(&Token::Equals) {
            return self.expected("`=` after the name of the rule");
        }
        self.depth = 0;
        let body = self.choice()?;
        self.define(
            place,
            name,
            Rule {
                place,
                public: scope == Some(true),
                body,
            },
        )
    }

    fn define(&mut self, place: Place, name: String, rule: Rule) -> Result<(), Mistake> {
        let first_is_public = self
            .tree
            .first
            .as_ref()
            .and_then(|first| self.tree.rules.get(first))
            .is_some_and(|rule| rule.public);
        if self.tree.first.is_none() || rule.public && !first_is_public {
            self.tree.first = Some(name.clone());
        }
        if self.tree.rules.contains_key(&name) {
            self.mistakes.push((place, Problem::DuplicateRule(name)));
            return Ok(());
        }
        self.tree.rules.insert(name, rule);
        Ok(())
    }

    fn choice(&mut self) -> Result<Node, Mistake> {
        let mut alternatives = vec![self.alternative()?];
        while self.take(&Token::Bar) {
            alternatives.push(self.alternative()?);
        }
        Ok(match alternatives.as_mut_slice() {
            [(None, _)] => alternatives.swap_remove(0).1,
            _ => Node::Choice(alternatives),
        })
    }

    fn alternative(&mut self) -> Result<(Option<f32>, Node), Mistake> {
        let weight = match self.peek() {
            Some(Token::Weight(weight)) => Some(*weight),
            _ => None,
        };
        self.at += usize::from(weight.is_some());
        let mut items = Vec::new();
        while let Some(item) = self.item()? {
            items.push(item);
        }
        match items.len() {
            0 => self.expected("a word, a rule, a tag or a group"),
            1 => Ok((weight, items.swap_remove(0))),
            _ => Ok((weight, Node::Sequence(items))),
        }
    }

    /// One element with its repeats, or `None` where the sequence ends.
    fn item(&mut self) -> Result<Option<Node>, Mistake> {
        let place = self.place();
        let Some(token) = self.peek().cloned() else {
            return Ok(None);
        };
        let node = match token {
            Token::Word(words) | Token::Quoted(words) => Node::Words(words),
            Token::Tag(tag) if tag.is_empty() => Node::Sequence(Vec::new()),
            Token::Tag(tag) => Node::Tag(tag),
            Token::Rule(name) => special(&name).unwrap_or(Node::Reference {
                place,
                file: None,
                rule: Some(name),
            }),
            Token::External { file, rule } => Node::Reference {
                place,
                file: Some(file),
                rule,
            },
            Token::Open => {
                return self
                    .group(&Token::Close, "the group")
                    .and_then(|node| self.repeated(node))
                    .map(Some);
            }
            Token::OpenOptional => {
                let node = self.group(&Token::CloseOptional, "the optional part")?;
                return self
                    .repeated(Node::Repeat {
                        node: Box::new(node),
                        min: 0,
                        max: Some(1),
                    })
                    .map(Some);
            }
            Token::Repeat { .. } | Token::Weight(_) | Token::Declaration { .. } => {
                return self.expected("a word, a rule, a tag or a group");
            }
            Token::Close | Token::CloseOptional | Token::Bar | Token::Equals | Token::Semicolon => {
                return Ok(None);
            }
        };
        self.at += 1;
        self.repeated(node).map(Some)
    }

    fn group(&mut self, end: &Token, what: &'static str) -> Result<Node, Mistake> {
        let place = self.place();
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            self.depth = 0;
            return Err((place, Problem::Depth { limit: DEPTH_LIMIT }));
        }
        // `()` is the empty phrase (SRGS 1.0 §2.3).
        let inside = if self.peek() == Some(end) {
            Ok(Node::Sequence(Vec::new()))
        } else {
            self.choice()
        };
        self.depth = self.depth.saturating_sub(1);
        let inside = inside?;
        if self.take(end) {
            return Ok(inside);
        }
        match self.peek() {
            None | Some(Token::Semicolon) => Err((place, Problem::Unclosed { what })),
            _ => self.expected("the end of this group"),
        }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Mistake> {
        for _ in 0..REPEATS_OF_REPEATS {
            let Some(&Token::Repeat { min, max }) = self.peek() else {
                break;
            };
            self.at += 1;
            node = Node::Repeat {
                node: Box::new(node),
                min,
                max,
            };
        }
        Ok(node)
    }
}

/// The special rules of SRGS 1.0 §2.2.3. `$GARBAGE` may match nothing: text around what a grammar
/// knows is skipped by the parser, and noise by the filler model of the recogniser.
fn special(name: &str) -> Option<Node> {
    match name {
        "NULL" | "GARBAGE" => Some(Node::Sequence(Vec::new())),
        "VOID" => Some(Node::Void),
        _ => None,
    }
}
