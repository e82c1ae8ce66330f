//! What a section wants to know, and what came of it. Sections say it in tables and read it from
//! [`Answers`]; who asks, and in which order, is the business of [`crate::collect`].

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::api::{Error, Kind, SIZE_OF_HOSTS, USUAL_SIZE};
use crate::metrics::value::Value;

/// One path that a section asks for.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Below the API's base.
    pub(crate) path: &'static str,
    /// What the result should be.
    pub(crate) shape: Shape,
    /// Whether every box has it, so that a no is a failure.
    pub(crate) required: bool,
    /// The first major version of the API that has it.
    pub(crate) since: u32,
    /// The last one.
    pub(crate) until: u32,
    /// The further paths that follow from the result.
    pub(crate) then: Option<Then>,
}

/// Paths that follow from a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Then {
    /// Makes them; the second argument is the time of the run, in seconds since 1970.
    pub(crate) paths: fn(&Json, u64) -> Vec<String>,
    /// What their results should be.
    pub(crate) shape: Shape,
    /// How many bytes their answers may have.
    pub(crate) largest: u64,
}

/// What a result should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object.
    Object,
    /// A list; the box has four ways to send an empty one.
    List,
}

/// A path whose result is an object.
pub(crate) const fn object(path: &'static str) -> Ask {
    Ask {
        path,
        shape: Shape::Object,
        required: false,
        since: 0,
        until: u32::MAX,
        then: None,
    }
}

/// A path whose result is a list.
pub(crate) const fn list(path: &'static str) -> Ask {
    Ask {
        shape: Shape::List,
        ..object(path)
    }
}

impl Ask {
    /// Says that every box has it.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Says since which major version of the API it is there.
    pub(crate) const fn since(mut self, major: u32) -> Self {
        self.since = major;
        self
    }

    /// Says until which major version of the API it is there.
    pub(crate) const fn until(mut self, major: u32) -> Self {
        self.until = major;
        self
    }

    /// Asks for an object at each of the paths that follow from the result.
    pub(crate) const fn then_objects(mut self, paths: fn(&Json, u64) -> Vec<String>) -> Self {
        self.then = Some(Then {
            paths,
            shape: Shape::Object,
            largest: USUAL_SIZE,
        });
        self
    }

    /// Asks for a list at each of the paths that follow from the result.
    pub(crate) const fn then_lists(mut self, paths: fn(&Json, u64) -> Vec<String>) -> Self {
        self.then = Some(Then {
            paths,
            shape: Shape::List,
            largest: USUAL_SIZE,
        });
        self
    }

    /// Asks for a list of hosts at each of the paths that follow from the result.
    pub(crate) const fn then_hosts(mut self, paths: fn(&Json, u64) -> Vec<String>) -> Self {
        self.then = Some(Then {
            paths,
            shape: Shape::List,
            largest: SIZE_OF_HOSTS,
        });
        self
    }
}

impl Shape {
    /// Takes a result for what it should be: every disguise of an empty one becomes that, and a
    /// list that holds nothing but one object is that object.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn checked(self, path: &str, mut result: Json) -> Result<Json, Error> {
        let is_empty = match &result {
            Json::Null => true,
            Json::String(text) => text.is_empty(),
            Json::Object(fields) => fields.is_empty(),
            Json::Array(items) => items.is_empty(),
            Json::Bool(_) | Json::Number(_) => false,
        };
        match (self, &mut result) {
            (Shape::Object, _) if is_empty => Ok(Json::Object(Map::new())),
            (Shape::List, _) if is_empty => Ok(Json::Array(Vec::new())),
            (Shape::Object, Json::Object(_)) | (Shape::List, Json::Array(_)) => Ok(result),
            (Shape::Object, Json::Array(items)) if items.len() == 1 && items[0].is_object() => {
                Ok(items.swap_remove(0))
            }
            _ => Err(Error::new(
                path,
                Kind::NotUnderstood(format!("the result is no {}", self.word())),
            )),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Shape::Object => "object",
            Shape::List => "list",
        }
    }
}

/// The good answers of a run, by path, and what else a mapping may need to know.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The results, each of the shape that was asked for.
    pub(crate) by_path: HashMap<String, Json>,
    /// When the run began, in seconds since 1970.
    pub(crate) time: u64,
    /// The major version of the box's API.
    pub(crate) api_major: Option<u32>,
}

impl Answers {
    /// The object at a path, if the box gave one.
    pub(crate) fn object(&self, path: &str) -> Option<&Json> {
        self.by_path.get(path)
    }

    /// The records of the list at a path: none if the box gave none. What is no record in it is
    /// passed over.
    pub(crate) fn records(&self, path: &str) -> impl Iterator<Item = &Json> {
        records(self.by_path.get(path))
    }

    /// How many records a list has, unless the box did not give it.
    pub(crate) fn count(&self, path: &str) -> Option<i64> {
        let list = self.by_path.get(path);
        list.map(|list| count(records(Some(list))))
    }

    /// How many records of a list are such, unless the box did not give it.
    pub(crate) fn count_if(&self, path: &str, is_such: impl Fn(&Json) -> bool) -> Option<i64> {
        let list = self.by_path.get(path);
        list.map(|list| count(records(Some(list)).filter(|record| is_such(record))))
    }

    /// The time of the run.
    pub(crate) fn now(&self) -> Option<i64> {
        i64::try_from(self.time).ok()
    }
}

/// The records in a list: none if it is none, and only those that are objects.
pub(crate) fn records(list: Option<&Json>) -> impl Iterator<Item = &Json> {
    let items = list.and_then(Json::as_array);
    items.into_iter().flatten().filter(|item| item.is_object())
}

/// How many there are.
pub(crate) fn count<'a>(records: impl Iterator<Item = &'a Json>) -> i64 {
    records.fold(0, |count, _| count + 1)
}

/// Paths with the `key` of each record of a list in the place of `{}`. Only what can be one step
/// of a path gets into it.
pub(crate) fn paths_for(list: &Json, key: &str, pattern: &str) -> Vec<String> {
    let step = |record: &Json| crate::metrics::reading::text(record.get(key)?);
    let is_step = |step: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
        !step.is_empty() && step.chars().all(plain)
    };
    let steps = records(Some(list)).filter_map(step).filter(is_step);
    steps.map(|step| pattern.replace("{}", &step)).collect()
}

/// A whole number at a path of a record.
pub(crate) fn whole(record: &Json, path: &str) -> Option<i64> {
    match crate::metrics::reading::number(crate::metrics::reading::at(record, path)?)? {
        Value::Int(whole) => Some(whole),
        Value::Float(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_disguise_of_an_empty_list() {
        for empty in [json!([]), json!({}), json!(""), Json::Null] {
            let list = Shape::List.checked("x", empty).expect("an empty list");
            assert_eq!(list, json!([]));
        }
        for strange in [json!({"a": 1}), json!("text"), json!(7), json!(true)] {
            let error = Shape::List.checked("x", strange).expect_err("no list");
            assert_eq!(error.to_string(), "x: the result is no list");
        }
    }

    #[test]
    fn an_object_may_be_empty_or_wrapped() {
        let one = json!({"a": 1});
        for (given, expected) in [
            (Json::Null, Some(json!({}))),
            (json!([]), Some(json!({}))),
            (json!(""), Some(json!({}))),
            (one.clone(), Some(one.clone())),
            (json!([one]), Some(one)),
            (json!([{}, {}]), None),
            (json!("text"), None),
            (json!(7), None),
        ] {
            assert_eq!(Shape::Object.checked("x", given).ok(), expected);
        }
    }

    #[test]
    fn paths_are_made_of_plain_keys_only() {
        let list = json!([{"id": 1}, {"id": "9999"}, {"id": "../x"}, {"id": null}, 7, {"id": ""}]);
        assert_eq!(paths_for(&list, "id", "p/{}/s"), ["p/1/s", "p/9999/s"]);
    }
}
