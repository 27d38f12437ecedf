//! JSON of tools that build infrastructure, and of any other backend.
//!
//! `terraform output -json` is `{"name": {"value": …, "type": …, "sensitive": …}}` (developer.hashicorp.com/terraform/
//! cli/commands/output); `cdk deploy --outputs-file` is `{"Stack": {"Output": "…"}}`; `aws cloudformation
//! describe-stacks` is `{"Stacks": [{"StackName", "Outputs": [{"OutputKey", "OutputValue"}]}]}` (both
//! docs.aws.amazon.com).

use serde_json::{Map, Value};

use super::collect::{self, Group};
use super::found::{Found, Source};
use super::{Error, json};

pub(super) fn read(value: &Value) -> Result<Found, Error> {
    let (source, groups) = groups(value);
    let mut found = Found::new(source);
    for group in groups {
        collect::add(&mut found, group)?;
    }
    Ok(found)
}

fn groups(value: &Value) -> (Source, Vec<Group>) {
    if let Some(groups) = stacks(value) {
        return (Source::CloudFormation, groups);
    }
    if let Value::Object(map) = value {
        let known = ["value", "type", "sensitive"];
        let is_output = |value: &Value| {
            let output = value.as_object().filter(|output| output.contains_key("value"));
            output.is_some_and(|output| output.keys().all(|name| known.contains(&name.as_str())))
        };
        if !map.is_empty() && map.values().all(is_output) {
            let values = map.iter().filter_map(|(name, output)| Some((name.clone(), output.get("value")?)));
            return (Source::Terraform, vec![group(None, values)]);
        }
        let is_stack =
            |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
        // One object alone may as well be an answer's `data`.
        let stack = |name: &String| !matches!(name.as_str(), "data" | "result" | "stream");
        if !map.is_empty() && map.values().all(is_stack) && map.keys().all(stack) {
            let stack = |(name, outputs): (&String, &Value)| {
                let outputs = outputs.as_object().into_iter().flatten();
                group(Some(name.clone()), outputs.map(|(name, value)| (name.clone(), value)))
            };
            return (Source::Cdk, map.iter().map(stack).collect());
        }
    }
    (Source::Json, others(value))
}

/// CloudFormation's stacks, or the outputs of one.
fn stacks(value: &Value) -> Option<Vec<Group>> {
    if let Some(stacks) = value.get("Stacks").and_then(Value::as_array) {
        return Some(stacks.iter().filter_map(stack).collect());
    }
    stack(value).map(|group| vec![group])
}

fn stack(value: &Value) -> Option<Group> {
    let outputs = value.get("Outputs").unwrap_or(value).as_array()?;
    let pair = |output: &Value| {
        let name = output.get("OutputKey")?.as_str()?;
        Some((name.to_owned(), output.get("OutputValue")?.as_str()?.to_owned()))
    };
    let fields: Vec<_> = outputs.iter().filter_map(pair).collect();
    let name = value.get("StackName").and_then(Value::as_str).map(str::to_owned);
    (!fields.is_empty()).then_some(Group { name, fields })
}

/// One connection, or a list of them, maybe inside an envelope.
fn others(value: &Value) -> Vec<Group> {
    match value {
        Value::Array(values) if values.iter().all(Value::is_object) => values.iter().map(whole).collect(),
        Value::Object(map) => match inside(map) {
            Some(inner) => others(inner),
            None => vec![whole(value)],
        },
        other => vec![whole(other)],
    }
}

/// What an envelope holds.
fn inside(map: &Map<String, Value>) -> Option<&Value> {
    let names = ["data", "result", "items", "streams", "livestreams", "connections", "channels", "stream"];
    let inner = names.iter().find_map(|name| json::get(map, name))?;
    let holds = match inner {
        Value::Array(values) => !values.is_empty() && values.iter().all(Value::is_object),
        other => other.is_object(),
    };
    holds.then_some(inner)
}

fn whole(value: &Value) -> Group {
    let map = value.as_object().into_iter().flatten();
    group(None, map.map(|(name, value)| (name.clone(), value)))
}

fn group<'a>(name: Option<String>, values: impl Iterator<Item = (String, &'a Value)>) -> Group {
    let mut fields = Vec::new();
    for (name, value) in values {
        flatten(name, value, &mut fields);
    }
    Group { name, fields }
}

/// The longest name with those around it, in bytes: deep inside, names would outgrow the text.
const LONGEST_PATH: usize = 300;

/// Names of what lies inside follow after a dot.
fn flatten(name: String, value: &Value, fields: &mut Vec<(String, String)>) {
    let join = |inner: &str| match name.len() + inner.len() < LONGEST_PATH {
        true => format!("{name}.{inner}"),
        false => "…".to_owned(),
    };
    match value {
        Value::String(text) => fields.push((name, text.clone())),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                flatten(join(&at.to_string()), value, fields);
            }
        }
        Value::Object(map) => {
            for (inner, value) in map {
                flatten(join(inner), value, fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => fields.push((name, String::new())),
    }
}
