//! What a section wants to know, and what came of it. Sections say it in tables and read it from
//! [`Answers`]; who asks, and in which order, is the business of [`crate::collect`].

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::api::{Reason, RequestError, USUAL_ANSWER};
use crate::metrics::lenient;
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
    /// Where in the result, or in each record of it, a list should be.
    pub(crate) lists: &'static [&'static str],
    /// The further paths that follow from the result.
    pub(crate) details: &'static [Detail],
}

/// A further path for each record of a list.
#[derive(Debug)]
pub(crate) struct Detail {
    /// The path, with `{}` for what tells the records apart, and `{since}` for a moment shortly
    /// before the run.
    pub(crate) pattern: &'static str,
    /// Which field of the record takes the place of `{}`.
    pub(crate) key: &'static str,
    /// What the result should be.
    pub(crate) shape: Shape,
    /// How many bytes the answer may have.
    pub(crate) largest: u64,
    /// Which records have it, if not all.
    pub(crate) only_if: Option<fn(&Json) -> bool>,
    /// Whether what the list has just named must answer, so that a no without a good reason is a
    /// failure at once.
    pub(crate) certain: bool,
    /// Where in the result, or in each record of it, a list should be.
    pub(crate) lists: &'static [&'static str],
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
        lists: &[],
        details: &[],
    }
}

/// A path whose result is a list.
pub(crate) const fn list(path: &'static str) -> Ask {
    Ask {
        shape: Shape::List,
        ..object(path)
    }
}

/// An object for each record of a list.
pub(crate) const fn each_object(pattern: &'static str, key: &'static str) -> Detail {
    Detail {
        pattern,
        key,
        shape: Shape::Object,
        largest: USUAL_ANSWER,
        only_if: None,
        certain: true,
        lists: &[],
    }
}

/// A list for each record of a list.
pub(crate) const fn each_list(pattern: &'static str, key: &'static str) -> Detail {
    Detail {
        shape: Shape::List,
        ..each_object(pattern, key)
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

    /// Says where in the result, or in each record of it, a list should be.
    pub(crate) const fn holding(mut self, lists: &'static [&'static str]) -> Self {
        self.lists = lists;
        self
    }

    /// Asks further for each record of the result.
    pub(crate) const fn then(mut self, details: &'static [Detail]) -> Self {
        self.details = details;
        self
    }
}

impl Detail {
    /// Says which records have it.
    pub(crate) const fn only_if(mut self, has_it: fn(&Json) -> bool) -> Self {
        self.only_if = Some(has_it);
        self
    }

    /// Says that a box may name a record and have nothing more to say of it.
    pub(crate) const fn uncertain(mut self) -> Self {
        self.certain = false;
        self
    }

    /// Says where in the result, or in each record of it, a list should be.
    pub(crate) const fn holding(mut self, lists: &'static [&'static str]) -> Self {
        self.lists = lists;
        self
    }

    /// Says how many bytes an answer may have.
    pub(crate) const fn up_to(mut self, largest: u64) -> Self {
        self.largest = largest;
        self
    }

    /// What a record's path is called, whatever the time: the pattern with its key in it. None for
    /// a record that has no such path. Only what can be one step of a path gets into it.
    pub(crate) fn of_record(&self, record: &Json) -> Option<String> {
        let has_it = self.only_if.is_none_or(|has_it| has_it(record));
        let step = lenient::text(record.get(self.key)?).filter(|_| has_it)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
        let is_step = !step.is_empty() && step.chars().all(plain);
        is_step.then(|| self.pattern.replace("{}", &step))
    }
}

/// How far back `{since}` is. The channel survey, which asks for it, has several samples a second.
const SINCE_SECONDS: u64 = 5;

/// A path with its moment in it, in milliseconds as the box counts. `time` is that of the run, in
/// seconds since 1970.
pub(crate) fn at_time(path: &str, time: u64) -> String {
    let since = time.saturating_sub(SINCE_SECONDS) * 1000;
    path.replace("{since}", &since.to_string())
}

/// The first of the places where a list should be that holds something else: one record that is
/// strange there is not the same as none.
pub(crate) fn no_list_at(result: &Json, lists: &[&'static str]) -> Option<&'static str> {
    let is_strange = |place: &Json| !place.is_array() && !is_empty(place);
    let of_record = |record: &Json, list: &str| lenient::at(record, list).is_some_and(is_strange);
    let is_in = |list: &&&'static str| match result {
        Json::Array(_) => records(Some(result)).any(|record| of_record(record, list)),
        other => of_record(other, list),
    };
    lists.iter().find(is_in).copied()
}

impl Shape {
    /// Takes a result for what it should be: every disguise of an empty one becomes that, and a
    /// list that holds nothing but one object is that object.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn checked(self, path: &str, result: Json) -> Result<Json, RequestError> {
        let words = || Reason::NotUnderstood(format!("the result is no {}", self.word()));
        self.taken(result)
            .ok_or_else(|| RequestError::new(path, words()))
    }

    fn taken(self, mut result: Json) -> Option<Json> {
        let is_empty = is_empty(&result);
        match (self, &mut result) {
            (Shape::Object, _) if is_empty => Some(Json::Object(Map::new())),
            (Shape::List, _) if is_empty => Some(Json::Array(Vec::new())),
            (Shape::Object, Json::Object(_)) | (Shape::List, Json::Array(_)) => Some(result),
            (Shape::Object, Json::Array(items)) if items.len() == 1 && items[0].is_object() => {
                Some(items.swap_remove(0))
            }
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Shape::Object => "object",
            Shape::List => "list",
        }
    }
}

/// Whether a value is one of the ways to say that there is nothing.
pub(crate) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
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

    /// What the box gave for a record by a further path, of the shape that was asked for.
    pub(crate) fn detail(&self, detail: &Detail, record: &Json) -> Option<&Json> {
        let path = at_time(&detail.of_record(record)?, self.time);
        self.by_path.get(&path)
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

/// The list at a path of a record, empty in whichever disguise. `None` where the box does not tell
/// it, or tells something else there.
pub(crate) fn items<'a>(record: &'a Json, path: &str) -> Option<&'a [Json]> {
    match lenient::at(record, path)? {
        Json::Null => None,
        Json::Array(items) => Some(items),
        other => is_empty(other).then_some(&[]),
    }
}

/// The records in such a list: none if it is not told.
pub(crate) fn records_at<'a>(record: &'a Json, path: &str) -> impl Iterator<Item = &'a Json> {
    let items = items(record, path).unwrap_or_default();
    items.iter().filter(|item| item.is_object())
}

/// How many records there are in such a list, if it is told.
pub(crate) fn count_at(record: &Json, path: &str) -> Option<i64> {
    items(record, path).map(|_| count(records_at(record, path)))
}

/// How many there are.
pub(crate) fn count<'a>(records: impl Iterator<Item = &'a Json>) -> i64 {
    records.fold(0, |count, _| count + 1)
}

/// A whole number at a path of a record.
pub(crate) fn whole(record: &Json, path: &str) -> Option<i64> {
    match lenient::number(lenient::at(record, path)?)? {
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
    fn a_list_in_a_record_is_not_told_or_empty_or_a_list() {
        for (given, expected) in [
            (json!({}), None),
            (json!({"a": null}), None),
            (json!({"a": {"x": 1}}), None),
            (json!({"a": "x"}), None),
            (json!({"a": 7}), None),
            (json!({"a": {}}), Some(0)),
            (json!({"a": ""}), Some(0)),
            (json!({"a": []}), Some(0)),
            (json!({"a": [{}, {"x": 1}]}), Some(2)),
            (json!({"a": ["x", null, {}]}), Some(1)),
        ] {
            assert_eq!(count_at(&given, "a"), expected, "{given}");
            let is_there = items(&given, "a").is_some();
            assert_eq!(is_there, expected.is_some(), "{given}");
            let within = json!({ "b": [given] });
            assert_eq!(count_at(&within, "b.0.a"), expected, "{within}");
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
        let list = json!([{"id": 1}, {"id": "9999"}, {"id": "../x"}, {"id": null}, 7, {"id": ""},
            {"id": 5, "off": true}]);
        let detail = each_list("p/{}/s/{since}", "id").only_if(|it| it.get("off").is_none());
        let paths: Vec<String> = records(Some(&list))
            .filter_map(|record| detail.of_record(record))
            .collect();
        assert_eq!(paths, ["p/1/s/{since}", "p/9999/s/{since}"]);
        assert_eq!(at_time(&paths[0], 1_700_000_005), "p/1/s/1700000000000");
    }

    #[test]
    fn an_object_where_a_list_should_be_is_found_wherever_it_is() {
        let lists = &["a", "b.c"];
        for (result, expected) in [
            (json!({"a": [], "b": {"c": {}}}), None),
            (json!({"a": "", "b": null}), None),
            (json!({"a": {"x": 1}}), Some("a")),
            (json!([{"a": [1]}, 7, {"b": {"c": {"x": 1}}}]), Some("b.c")),
            (json!([{"a": 7}]), Some("a")),
        ] {
            assert_eq!(no_list_at(&result, lists), expected, "{result}");
        }
    }
}
