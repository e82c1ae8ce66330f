//! What the rules of a template are good for, and what is odd about those that are good for nothing.

use super::Warning;
use super::parse::Rule;

/// The rules, each with what has come of it.
pub(super) struct Uses<'a>(Vec<(&'a Rule, Use)>);

/// What has come of a rule, the more the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// No metric has come to it.
    Nothing,
    /// Some metric has, and none has a path by it.
    Fits,
    /// Some metric has a path by it.
    GivesAPath,
}

impl<'a> Uses<'a> {
    pub(super) fn of(rules: &'a [Rule]) -> Self {
        Uses(rules.iter().map(|rule| (rule, Use::Nothing)).collect())
    }

    /// Notes what a metric has done with the rule of this number.
    pub(super) fn note(&mut self, number: usize, what: Use) {
        if let Some((_, noted)) = self.0.get_mut(number) {
            *noted = what.max(*noted);
        }
    }

    /// Why no metric has a path.
    pub(super) fn why_there_is_nothing(&self) -> &'static str {
        // Where there is no rule, no name of one is wrong.
        let some_fits = self.0.iter().any(|(_, noted)| *noted > Use::Nothing);
        match some_fits || self.0.is_empty() {
            true => "no rule in it gives a line: nothing would be written",
            false => {
                "no rule in it gives a line: no metric has such a name (--list-metrics); * is one \
                 part of a name, ** any number of them"
            }
        }
    }

    /// What is odd about rules.
    pub(super) fn odd(&self) -> Vec<Warning> {
        let words = |rule: &Rule, noted: Use| match noted {
            Use::Nothing => Some(
                "nothing is left for this rule: no metric has such a name, or an earlier rule takes \
                 them all",
            ),
            Use::Fits if rule.path.is_some() => Some(
                "this rule gives no line: a text has none in Graphite, and what never changes has \
                 none at {default}; name it with {metric}",
            ),
            Use::Fits | Use::GivesAPath => None,
        };
        let warning = |(rule, noted): &(&Rule, Use)| {
            Some(Warning {
                at: rule.at,
                words: words(rule, *noted)?.to_owned(),
            })
        };
        self.0.iter().filter_map(warning).collect()
    }
}
