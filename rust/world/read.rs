//! JSON into scenarios; what has the wrong form is named with its path.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::scenario::Scenario;
use crate::error::ScenarioError;

/// Text into a value.
pub(super) fn parse(json: &str) -> Result<Value, ScenarioError> {
    serde_json::from_str(json).map_err(|error| refused("scenario", &error.to_string()))
}

/// A value into a scenario, nothing checked but its form.
pub(super) fn scenario(value: &Value) -> Result<Scenario, ScenarioError> {
    part("", value)
}

/// The part of a scenario that stands at `at`.
pub(super) fn part<T: DeserializeOwned>(at: &str, value: &Value) -> Result<T, ScenarioError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let path = match (at, inner.as_str()) {
            (at, ".") => at.to_owned(),
            ("", inner) => inner.to_owned(),
            (at, inner) => format!("{at}.{inner}"),
        };
        refused(&path, &error.inner().to_string())
    })
}

fn refused(field: &str, text: &str) -> ScenarioError {
    let mut found = ScenarioError::default();
    // Where in the JSON is no help to somebody who wrote a Python object.
    let reason = text.split(" at line ").next().unwrap_or_default();
    found.push(field, "what was given", reason);
    found
}
