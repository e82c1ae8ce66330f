//! Rules and metrics brought together when the template is read: what each metric's path is made
//! of, and everything that would go wrong with it later.

use std::cell::Cell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::label::LABEL;
use super::parse::{Path, Piece, Source, Tag, Variable};
use super::uses::{Use, Uses};
use super::{LONGEST_NODE, LONGEST_PATH, Node, Part, Pattern, Position, Refusal, Warning};
use crate::metrics::group::Group;
use crate::metrics::metric::{Kind, Metric, Role};

/// Texts that are known in every run, whatever the metric: what `--name` says, and the box.
pub(super) const RUN_LABELS: [&str; 5] = ["name", "endpoint", "uid", "api_version", "box_model"];
/// Texts that follow from the metric itself.
pub(super) const METRIC_WORDS: [&str; 6] = [
    "metric",
    "default",
    "field",
    "measure",
    "measurement",
    "tags",
];
/// How many variables may stand in each other.
const DEEPEST: usize = 16;
/// How many placeholders a path may come to, those in variables included.
const MOST_PLACEHOLDERS: usize = 1000;
/// What `prefix` and `host` are where a template does not say.
const USUAL_VARIABLES: &str = "prefix = freebox\nhost = {name|endpoint}\n";

/// The patterns of the metrics that have one, by the names of their groups and their own.
pub(super) type Patterns = HashMap<(&'static str, &'static str), Pattern>;

/// Works out the path of every metric.
///
/// # Errors
/// The first thing in the template that cannot work.
pub(super) fn compile(
    source: &Source,
    metrics: &[(&'static Group, &'static Metric)],
) -> Result<(Patterns, Vec<Warning>), Refusal> {
    let usual = super::parse::parse(USUAL_VARIABLES)?;
    let variables = Variables::new(source, &usual, metrics)?;
    let mut patterns = Patterns::new();
    let mut claims = Claims::default();
    let rules = &source.rules;
    let mut uses = Uses::of(rules);
    for &(group, metric) in metrics {
        let name = group.metric_name(metric);
        let mut numbered = rules.iter().enumerate();
        let Some((number, rule)) = numbered.find(|(_, rule)| rule.glob.matches(&name)) else {
            continue;
        };
        uses.note(number, Use::Fits);
        let Some(path) = rule.path.as_ref().filter(|_| metric.kind != Kind::Text) else {
            continue;
        };
        let scope = Scope::new(&variables, group, metric);
        let pattern = scope.pattern(path)?;
        if !scope.has_a_place() {
            continue;
        }
        scope.must_tell_entities_apart(&pattern, path)?;
        claims.add(name, &pattern, path.at)?;
        patterns.insert((group.name, metric.name), pattern);
        uses.note(number, Use::GivesAPath);
    }
    // Whoever has only rules that drop wants that.
    let wants_nothing = !rules.is_empty() && rules.iter().all(|rule| rule.path.is_none());
    if patterns.is_empty() && !wants_nothing {
        let start = Position { line: 1, column: 1 };
        return Err(start.refuse(uses.why_there_is_nothing()));
    }
    claims.no_leaf_is_a_branch()?;
    Ok((patterns, uses.odd()))
}

/// The variables of a template, checked.
struct Variables<'a> {
    by_name: HashMap<&'a str, &'a Variable>,
    /// The labels of all entities there are.
    labels: HashSet<&'static str>,
}

impl<'a> Variables<'a> {
    fn new(
        source: &'a Source,
        usual: &'a Source,
        metrics: &[(&'static Group, &'static Metric)],
    ) -> Result<Self, Refusal> {
        let labels: HashSet<_> = metrics
            .iter()
            .flat_map(|(group, _)| label_names(group))
            .collect();
        let mut own: HashMap<&str, &Variable> = HashMap::new();
        for variable in &source.variables {
            let name = variable.name.as_str();
            let words = [RUN_LABELS.as_slice(), METRIC_WORDS.as_slice()].concat();
            if words.contains(&name) || labels.contains(name) || name == LABEL {
                return Err(variable.at.refuse(format!(
                    "{{{name}}} has a meaning of its own; call the variable something else"
                )));
            }
            if own.insert(name, variable).is_some() {
                return Err(variable.at.refuse(format!("{name} is set twice")));
            }
        }
        let usual = usual.variables.iter().map(|it| (it.name.as_str(), it));
        let by_name: HashMap<_, _> = usual.chain(own).collect();
        let variables = Variables { by_name, labels };
        let mut ended = HashSet::new();
        for variable in &source.variables {
            variables.must_end(variable, &mut vec![&variable.name], &mut ended)?;
        }
        Ok(variables)
    }

    /// Makes sure that a variable stands for known things and not, in the end, for itself.
    fn must_end(
        &self,
        variable: &'a Variable,
        open: &mut Vec<&'a str>,
        ended: &mut HashSet<&'a str>,
    ) -> Result<(), Refusal> {
        if open.len() > DEEPEST {
            return Err(variable.at.refuse(format!(
                "variables that stand in variables, {DEEPEST} deep: too many to be meant"
            )));
        }
        for piece in &variable.value {
            let Piece::Placeholder(names, at) = piece else {
                continue;
            };
            for name in names {
                if open.contains(&name.as_str()) {
                    return Err(at.refuse(format!("{name} stands for itself")));
                }
                match self.by_name.get(name.as_str()) {
                    Some(_) if ended.contains(name.as_str()) => {}
                    Some(next) => {
                        open.push(name);
                        self.must_end(next, open, ended)?;
                        open.pop();
                    }
                    None if RUN_LABELS.contains(&name.as_str()) => {}
                    None => return Err(at.refuse(self.unknown_in_variable(name))),
                }
            }
        }
        ended.insert(&variable.name);
        Ok(())
    }

    fn unknown_in_variable(&self, name: &str) -> String {
        let valid = list(self.by_name.keys().copied().chain(RUN_LABELS));
        format!("unknown placeholder {{{name}}} in a variable; valid are {valid}")
    }
}

/// Every name under which a template may have a text of the entities of a group.
fn label_names(group: &'static Group) -> impl Iterator<Item = &'static str> {
    let label = group.keys().next().map(|_| LABEL);
    group.labels.iter().map(|it| it.name).chain(label)
}

/// Names in alphabetical order, each once.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// One metric, while its path is worked out.
struct Scope<'a> {
    variables: &'a Variables<'a>,
    group: &'static Group,
    metric: &'static Metric,
    /// How many were met so far.
    placeholders: Cell<usize>,
    /// Whether `{default}` was among them.
    is_default: Cell<bool>,
    /// Whether `{field}` was.
    is_field: Cell<bool>,
}

/// A part of a path before it is cut into nodes.
enum Token {
    Dot,
    Part(Part),
}

impl<'a> Scope<'a> {
    fn new(variables: &'a Variables<'a>, group: &'static Group, metric: &'static Metric) -> Self {
        Scope {
            variables,
            group,
            metric,
            placeholders: Cell::new(0),
            is_default: Cell::new(false),
            is_field: Cell::new(false),
        }
    }

    fn pattern(&self, path: &Path) -> Result<Pattern, Refusal> {
        let mut tags: Vec<(String, Node)> = Vec::new();
        for (key, value) in self.tags(path)? {
            if tags.iter().any(|(known, _)| *known == key) {
                return Err(path.at.refuse(format!("the tag {key} is given twice")));
            }
            tags.push((key, value));
        }
        let nodes = self.nodes(self.tokens(&path.name)?, path.at)?;
        Ok(Pattern {
            nodes,
            tags,
            is_field: self.is_field.get(),
        })
    }

    /// The tags with their values, as they stand in the template.
    fn tags(&self, path: &Path) -> Result<Vec<(String, Node)>, Refusal> {
        let mut tags = Vec::new();
        for tag in &path.tags {
            match tag {
                Tag::One(key, pieces) => {
                    let tokens = self.tokens(pieces)?.into_iter();
                    let parts = tokens.map(|token| match token {
                        Token::Dot => Part::Text(".".to_owned()),
                        Token::Part(part) => part,
                    });
                    tags.push((key.clone(), parts.collect()));
                }
                Tag::All => tags.extend(self.group.labels.iter().filter_map(|label| {
                    let value = match label.fixed {
                        Some(text) => Part::Text(text.to_owned()),
                        None => Part::Label(label.name),
                    };
                    Some((label.tag?.to_owned(), vec![value]))
                })),
            }
        }
        Ok(tags)
    }

    /// Whether the metric has a path at all in a template that names it so: what never changes is
    /// not worth a series to somebody who takes everything as it comes.
    fn has_a_place(&self) -> bool {
        match self.metric.role {
            Role::Series => true,
            Role::Constant => !self.is_default.get(),
            Role::Field => self.is_field.get(),
        }
    }

    /// Cuts a path at its dots.
    fn nodes(&self, tokens: Vec<Token>, at: Position) -> Result<Vec<Node>, Refusal> {
        let mut nodes = vec![Node::new()];
        for token in tokens {
            match (token, nodes.last_mut()) {
                (Token::Part(part), Some(node)) => node.push(part),
                _ => nodes.push(Node::new()),
            }
        }
        let name = self.group.metric_name(self.metric);
        let between = nodes.len() - 1;
        let fixed = nodes
            .iter()
            .flatten()
            .map(Part::fixed_length)
            .sum::<usize>()
            + between;
        if fixed > LONGEST_PATH {
            return Err(at.refuse(format!(
                "the path of {name} has {fixed} bytes; {LONGEST_PATH} is the most that fits a file \
                 system"
            )));
        }
        for node in &nodes {
            if node.is_empty() {
                return Err(at.refuse(format!("the path of {name} has an empty node")));
            }
            let fixed: usize = node.iter().map(Part::fixed_length).sum();
            if fixed > LONGEST_NODE {
                return Err(at.refuse(format!(
                    "the path of {name} has a node of {fixed} bytes; {LONGEST_NODE} is the most \
                     that fits a file name"
                )));
            }
        }
        Ok(nodes)
    }

    fn tokens(&self, pieces: &[Piece]) -> Result<Vec<Token>, Refusal> {
        let mut tokens = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text, _) => tokens.extend(dotted(text)),
                Piece::Placeholder(names, at) => match names.as_slice() {
                    [only] => tokens.extend(self.meaning(only, *at)?),
                    several => tokens.push(Token::Part(self.choice(several, *at)?)),
                },
            }
        }
        Ok(tokens)
    }

    /// `{a|b}`. A name that this metric does not have is as good as empty, as long as one is left.
    fn choice(&self, names: &[String], at: Position) -> Result<Part, Refusal> {
        let mut choices = Vec::new();
        for name in names {
            if self.is_lacking(name) {
                continue;
            }
            let mut parts = Vec::new();
            for token in self.meaning(name, at)? {
                match token {
                    Token::Part(part) => parts.push(part),
                    Token::Dot => {
                        return Err(at.refuse(format!(
                            "{{{name}}} is more than one node and cannot be one of several choices"
                        )));
                    }
                }
            }
            choices.push(parts);
        }
        match choices.is_empty() {
            true => Err(at.refuse(self.lacks(&names.join("|")))),
            false => Ok(Part::FirstOf(choices)),
        }
    }

    /// Whether a name is a label of other entities than this one.
    fn is_lacking(&self, name: &str) -> bool {
        let own = label_names(self.group).any(|label| label == name);
        !own && !RUN_LABELS.contains(&name) && self.variables.labels.contains(name)
    }

    /// What a placeholder stands for.
    fn meaning(&self, name: &str, at: Position) -> Result<Vec<Token>, Refusal> {
        self.placeholders.set(self.placeholders.get() + 1);
        if self.placeholders.get() > MOST_PLACEHOLDERS {
            return Err(at.refuse(format!(
                "this comes to more than {MOST_PLACEHOLDERS} placeholders in one path"
            )));
        }
        if let Some(variable) = self.variables.by_name.get(name) {
            return self.tokens(&variable.value);
        }
        let word = |text: &str| Ok(vec![Token::Part(Part::Text(text.to_owned()))]);
        match name {
            "metric" => return word(self.metric.name),
            "field" => {
                self.is_field.set(true);
                return word(&self.group.field(self.metric));
            }
            "measure" => return Ok(dotted(self.group.measure).collect()),
            "measurement" => return word(&self.group.measurement()),
            "default" => {
                self.is_default.set(true);
                return Ok(self.default_path());
            }
            "tags" => return Err(at.refuse("{tags} stands behind a semicolon only")),
            _ => {}
        }
        if let Some(text) = self.group.label(name).and_then(|label| label.fixed) {
            return word(text);
        }
        let mut labels = label_names(self.group).chain(RUN_LABELS);
        match labels.find(|label| *label == name) {
            Some(label) => Ok(vec![Token::Part(Part::Label(label))]),
            None if self.is_lacking(name) => Err(at.refuse(self.lacks(name))),
            None => Err(at.refuse(format!(
                "unknown placeholder {{{name}}}; valid here are {}",
                self.valid()
            ))),
        }
    }

    /// The place of the entity, and the metric's name.
    fn default_path(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for node in self.group.place.split('.').chain([self.metric.name]) {
            let key = self.group.keys().find(|key| node == format!("{{{key}}}"));
            let part = key.map_or_else(|| Part::Text(node.to_owned()), Part::Label);
            tokens.extend([Token::Part(part), Token::Dot]);
        }
        tokens.pop();
        tokens
    }

    fn lacks(&self, name: &str) -> String {
        format!(
            "{} has no {{{name}}}; valid here are {}",
            self.group.metric_name(self.metric),
            self.valid()
        )
    }

    fn valid(&self) -> String {
        let of_entity = label_names(self.group);
        let fixed: Vec<&str> = of_entity.chain(RUN_LABELS).chain(METRIC_WORDS).collect();
        let variables = self.variables.by_name.keys().copied();
        list(fixed.into_iter().chain(variables))
    }

    /// Two entities of a group need two paths.
    fn must_tell_entities_apart(&self, pattern: &Pattern, path: &Path) -> Result<(), Refusal> {
        if pattern.tells_apart(&[LABEL]) {
            return Ok(());
        }
        for key in self.group.keys() {
            let names = self.group.names_of(key);
            if !pattern.tells_apart(&names) {
                let names = [LABEL].into_iter().chain(names);
                let names: Vec<String> = names.map(|it| format!("{{{it}}}")).collect();
                return Err(path.at.refuse(format!(
                    "every {} would go to the same path as {}; put one of {} into it",
                    self.group.name,
                    self.group.metric_name(self.metric),
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// Text with dots in it.
fn dotted(text: &str) -> impl Iterator<Item = Token> {
    let nodes = text.split('.').enumerate().flat_map(|(i, node)| {
        let dot = (i > 0).then_some(Token::Dot);
        let text = (!node.is_empty()).then(|| Token::Part(Part::Text(node.to_owned())));
        [dot, text]
    });
    nodes.flatten()
}

/// Which metric has claimed which path.
#[derive(Default)]
struct Claims {
    by_path: HashMap<String, (String, Position)>,
}

impl Claims {
    fn add(&mut self, metric: String, pattern: &Pattern, at: Position) -> Result<(), Refusal> {
        match self.by_path.entry(pattern.to_string()) {
            Entry::Occupied(entry) => {
                let (other, _) = entry.get();
                Err(at.refuse(format!(
                    "{other} and {metric} would go to the same path, {pattern}"
                )))
            }
            Entry::Vacant(entry) => {
                entry.insert((metric, at));
                Ok(())
            }
        }
    }

    /// A metric is a file, a node above one is a folder: no path can be both.
    fn no_leaf_is_a_branch(&self) -> Result<(), Refusal> {
        let mut paths: Vec<_> = self
            .by_path
            .iter()
            .filter(|(path, _)| !path.contains(';'))
            .collect();
        paths.sort_by_key(|(path, (_, at))| (at.line, at.column, *path));
        for (path, (metric, at)) in paths {
            for (dot, _) in path.match_indices('.') {
                if let Some((other, _)) = self.by_path.get(&path[..dot]) {
                    return Err(at.refuse(format!(
                        "{} is the path of {other} and cannot be a folder for {metric} as well",
                        &path[..dot]
                    )));
                }
            }
        }
        Ok(())
    }
}
