//! Asks a running `omnifold serve`.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use omnifold_server::Problem;
use serde_json::Value;

use crate::exit::{NotFound, Usage};

/// A verification decides the whole log again: it may take this long.
const LONGEST: Duration = Duration::from_secs(3_700);

/// A running `serve`.
#[derive(Clone)]
pub struct Client {
    base: String,
    agent: ureq::Agent,
}

impl Client {
    /// The server at a URL or `HOST:PORT`.
    pub fn new(url: &str) -> Client {
        let url = url.trim_end_matches('/');
        let base = match url.contains("://") {
            true => url.to_owned(),
            false => format!("http://{url}"),
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(LONGEST))
            .build();
        Client { base, agent: config.into() }
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether a server answers there.
    pub fn is_alive(&self) -> bool {
        let request = self.agent.get(format!("{}/health", self.base)).config();
        let request = request.timeout_global(Some(Duration::from_secs(2))).build();
        request.call().is_ok_and(|response| response.status().is_success())
    }

    /// The markets it serves.
    pub fn markets(&self) -> Result<Vec<String>> {
        let answer = self.get("/v1/markets")?;
        let list = answer["markets"].as_array().cloned().unwrap_or_default();
        Ok(list.iter().filter_map(|it| it["market"].as_str().map(str::to_owned)).collect())
    }

    /// Asks.
    pub fn get(&self, path: &str) -> Result<Value> {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        self.answer(response)
    }

    /// Asks for text, such as the metrics.
    pub fn text(&self, path: &str) -> Result<String> {
        let mut response = self.agent.get(format!("{}{path}", self.base)).call()?;
        Ok(response.body_mut().read_to_string()?)
    }

    /// Sends.
    pub fn post(&self, path: &str, body: &str) -> Result<Value> {
        let response = self.agent.post(format!("{}{path}", self.base)).send(body);
        self.answer(response)
    }

    fn answer(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value> {
        let mut response = response.with_context(|| format!("no answer from {}", self.base))?;
        let body = response.body_mut().with_config().limit(256 << 20).read_to_string();
        let body = body.with_context(|| format!("the answer of {} broke off", self.base))?;
        if response.status().is_success() {
            return serde_json::from_str(&body)
                .with_context(|| format!("{} is no omnifold server", self.base));
        }
        match serde_json::from_str::<Problem>(&body) {
            Ok(problem) => Err(failure(&problem)),
            Err(_) => Err(anyhow!("{} answered {}", self.base, response.status())),
        }
    }
}

fn failure(problem: &Problem) -> anyhow::Error {
    let mut text = problem.detail.clone();
    for fault in problem.faults.iter().take(20) {
        text.push_str(&format!("\n  line {}: {}: {}", fault.line, fault.reason, fault.detail));
    }
    match problem.code() {
        "not_found" | "unknown_market" => NotFound(text).into(),
        "bad_request" => Usage(text).into(),
        _ => anyhow!(text),
    }
}

/// A text as part of a path: everything but letters, digits, `-._~` and `/` is escaped.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut path = String::new();
    for byte in text.bytes() {
        match plain(byte) {
            true => path.push(char::from(byte)),
            false => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_escaped_in_paths() {
        assert_eq!(escaped("web/A 1+ü"), "web/A%201%2B%C3%BC");
    }
}
