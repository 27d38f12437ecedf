//! A small WebDriver client (W3C), for chromedriver, WebKitWebDriver and tauri-driver.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Process;
use crate::system::{free_port, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
/// The key of an element reference in the standard's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window under remote control. Dropping it ends the session and the driver.
pub struct Session {
    agent: ureq::Agent,
    url: String,
    driver: Process,
}

/// An element of the page.
pub struct Element<'a> {
    session: &'a Session,
    id: String,
}

/// What a driver refused.
#[derive(Debug)]
pub struct Refusal {
    /// The standard's code, such as `no such element`.
    pub code: String,
    /// The driver's words.
    pub message: String,
}

/// The page no longer answers, or the session ended with its process.
#[derive(Debug)]
pub struct Frozen(pub String);

impl Session {
    /// Starts the driver that `driver` makes for a port, opens a session with `capabilities` (those of
    /// `alwaysMatch`).
    pub fn start(name: &str, driver: impl FnOnce(u16) -> Command, capabilities: &Value) -> Self {
        let port = free_port();
        let mut driver = Process::spawn(name, &mut driver(port));
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let root = format!("http://127.0.0.1:{port}");
        driver.wait_for("an answer to /status", LIMIT, || {
            agent.get(format!("{root}/status")).call().ok().map(drop)
        });
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = send(&agent, "POST", &format!("{root}/session"), &body);
        let answer = answer.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}\n{}", driver.output()));
        let id = answer["sessionId"].as_str().unwrap_or_else(|| panic!("{name}: no session id in {answer}"));
        Self { url: format!("{root}/session/{id}"), agent, driver }
    }

    /// Goes to a page and waits until it is loaded.
    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        text(&self.get("url"))
    }

    /// The page's title.
    pub fn title(&self) -> String {
        text(&self.get("title"))
    }

    /// The page as it now is.
    pub fn source(&self) -> String {
        text(&self.get("source"))
    }

    /// The first element that `css` selects, or nothing.
    pub fn find(&self, css: &str) -> Option<Element<'_>> {
        let body = json!({ "using": "css selector", "value": css });
        match send(&self.agent, "POST", &format!("{}/element", self.url), &body) {
            Ok(found) => Some(Element { session: self, id: text(&found[ELEMENT]) }),
            Err(refusal) if refusal.code == "no such element" => None,
            Err(refusal) => self.fail(css, &refusal),
        }
    }

    /// All elements that `css` selects.
    pub fn find_all(&self, css: &str) -> Vec<Element<'_>> {
        let found = self.post("elements", &json!({ "using": "css selector", "value": css }));
        let found = found.as_array().cloned().unwrap_or_default();
        found.iter().map(|element| Element { session: self, id: text(&element[ELEMENT]) }).collect()
    }

    /// Waits for the first element that `css` selects.
    pub fn element(&self, css: &str) -> Element<'_> {
        wait_for(css, LIMIT, || self.find(css), || self.report())
    }

    /// Runs the body of a function, `arguments` being its arguments, and returns what it returns.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The same for an asynchronous function: its last argument is the callback that takes the result.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": arguments }))
    }

    /// Waits until the JavaScript expression gives something true, and returns it.
    pub fn wait_until(&self, expression: &str, limit: Duration) -> Value {
        let script = format!("return ({expression})");
        let truth = |value: &Value| {
            !matches!(value, Value::Null | Value::Bool(false)) && *value != json!(0) && *value != json!("")
        };
        wait_for(expression, limit, || Some(self.run(&script, &[])).filter(truth), || self.report())
    }

    /// The element with this `data-testid`, waited for.
    pub fn by_id(&self, id: &str) -> Element<'_> {
        self.element(&format!("[data-testid='{id}']"))
    }

    /// Presses the button with this `data-testid` once it can be pressed.
    pub fn press(&self, id: &str) {
        let usable = format!(
            "(b => b !== null && !b.disabled && b.getAttribute('aria-disabled') !== 'true')
             (document.querySelector(`[data-testid='{id}']`))"
        );
        self.wait_until(&usable, LIMIT);
        self.by_id(id).click();
    }

    /// Sets the size of the window, decoration included.
    pub fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", &json!({ "width": width, "height": height }));
    }

    /// What the driver and every process below it have used: the application and its web view.
    pub fn cpu(&self) -> Duration {
        self.driver.cpu_of_family()
    }

    /// Saves what the page shows as a PNG.
    pub fn screenshot(&self, file: &Path) {
        let encoded = text(&self.get("screenshot"));
        fs::write(file, decode_base64(&encoded))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// The driver's and the browser's words.
    pub fn output(&self) -> String {
        self.driver.output()
    }

    fn report(&self) -> String {
        let page = text(&self.run("return document.body.innerText", &[]));
        let videos = self.run(VIDEOS, &[]);
        format!("--- page:\n{page}\n--- videos:\n{videos}\n{}", self.driver.output())
    }

    fn get(&self, path: &str) -> Value {
        self.done(path, send(&self.agent, "GET", &format!("{}/{path}", self.url), &Value::Null))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.done(path, send(&self.agent, "POST", &format!("{}/{path}", self.url), body))
    }

    fn done(&self, path: &str, answer: Result<Value, Refusal>) -> Value {
        answer.unwrap_or_else(|refusal| self.fail(path, &refusal))
    }

    /// Panics with what is known; with [`Frozen`] when the page no longer answers or its process was ended for that.
    fn fail(&self, path: &str, refusal: &Refusal) -> ! {
        let words = format!("{path}: {refusal:?}\n{}", self.driver.output());
        if ["no connection", "invalid session id"].contains(&refusal.code.as_str()) {
            std::panic::panic_any(Frozen(words));
        }
        panic!("{words}");
    }
}

/// What the page's players are doing, for the words of a failure.
const VIDEOS: &str = "return [...document.querySelectorAll('video')].map(video => ({
    at: video.currentTime, paused: video.paused, ready: video.readyState, network: video.networkState,
    error: video.error?.message ?? null,
    buffered: [...Array(video.buffered.length).keys()].map(i => [video.buffered.start(i), video.buffered.end(i)]),
}))";

impl Drop for Session {
    fn drop(&mut self) {
        // Asks the browser to leave in order; the driver's guard ends what remains.
        let _ = send(&self.agent, "DELETE", &self.url, &Value::Null);
    }
}

impl Element<'_> {
    /// Clicks its middle.
    pub fn click(&self) {
        self.post("click", &json!({}));
    }

    /// Types `keys` into it.
    pub fn type_text(&self, keys: &str) {
        self.post("value", &json!({ "text": keys }));
    }

    /// Empties an input field.
    pub fn clear(&self) {
        self.post("clear", &json!({}));
    }

    /// Its visible text.
    pub fn text(&self) -> String {
        text(&self.get("text"))
    }

    /// An attribute, if it has it.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.get(&format!("attribute/{name}")).as_str().map(str::to_owned)
    }

    /// A JavaScript property.
    pub fn property(&self, name: &str) -> Value {
        self.get(&format!("property/{name}"))
    }

    /// Whether it can be used.
    pub fn is_enabled(&self) -> bool {
        self.get("enabled") == json!(true)
    }

    /// Chooses the option of this `<select>` with that value, and tells the page.
    pub fn select(&self, value: &str) {
        let script = "arguments[0].value = arguments[1]; \
                      for (const type of ['input', 'change']) arguments[0].dispatchEvent(new Event(type, {bubbles: true})); \
                      return arguments[0].value";
        let chosen = self.session.run(script, &[json!({ ELEMENT: self.id }), json!(value)]);
        assert_eq!(chosen, json!(value), "no such option");
    }

    fn get(&self, path: &str) -> Value {
        self.session.get(&format!("element/{}/{path}", self.id))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.session.post(&format!("element/{}/{path}", self.id), body)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn send(agent: &ureq::Agent, method: &str, url: &str, body: &Value) -> Result<Value, Refusal> {
    let lost = |error: ureq::Error| Refusal { code: "no connection".to_owned(), message: error.to_string() };
    let answer = match method {
        "GET" => agent.get(url).call(),
        "DELETE" => agent.delete(url).call(),
        _ => agent.post(url).send_json(body),
    };
    let mut answer = answer.map_err(lost)?;
    // A screenshot is larger than the client's usual limit allows.
    let mut json: Value = answer.body_mut().with_config().limit(64 << 20).read_json().map_err(lost)?;
    let value = json["value"].take();
    match value["error"].as_str() {
        Some(code) => Err(Refusal { code: code.to_owned(), message: text(&value["message"]) }),
        None => Ok(value),
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).map(u32::from).collect();
    let bytes = digits.chunks(4).flat_map(|group| {
        let word = group.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - group.len()));
        word.to_be_bytes().into_iter().skip(1).take(group.len() - 1)
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_back() {
        assert_eq!(decode_base64("VGFtYXJhY2s="), b"Tamarack");
        assert_eq!(decode_base64("iVBORw=="), [0x89, b'P', b'N', b'G']);
    }
}
