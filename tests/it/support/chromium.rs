//! A real browser, led through its debugging protocol, with a security key of glass: its virtual authenticator.
//!
//! The protocol goes through a pipe (descriptors 3 and 4 of the browser) and not through a port: there is nothing to
//! wait for, and a browser whose pipe is closed ends by itself, however the test ended.
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a page may take for anything. The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

const FIND: &str =
    "for it in chromium chromium-browser google-chrome; do command -v $it && exit 0; done; exit 1";
/// What we write arrives at 3, what it says at 4 comes to us.
const RUN: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

#[derive(Default)]
struct Heard {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    faults: Vec<String>,
}

/// One browser with one page; it ends with this value.
pub struct Chromium {
    process: Child,
    input: Mutex<Option<ChildStdin>>,
    heard: Arc<Mutex<Heard>>,
    next: Mutex<u64>,
    page: String,
    _folder: tempfile::TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The end of the pipe asks it, and its helpers, to go.
        drop(lock(&self.input).take());
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Text as a literal of the page's language.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Chromium {
    /// `None`, and a word about it, where there is no browser.
    pub async fn start() -> Option<Self> {
        let found = Command::new("sh").args(["-c", FIND]).output();
        let found = found.expect("a shell");
        if !found.status.success() {
            eprintln!("left out: there is no Chromium");
            return None;
        }
        let program = String::from_utf8(found.stdout).expect("a path");
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new("sh")
            .args(["-c", RUN, "sh", program.trim()])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--no-first-run"])
            // It talks to nobody but us.
            .args(["--disable-background-networking", "--no-proxy-server"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", folder.path().display()))
            // What it writes elsewhere goes away with the folder, too.
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let input = process.stdin.take();
        let output = process.stdout.take().expect("its output");
        let heard = Arc::default();
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || listen(output, &listener));
        let mut browser = Self {
            process,
            input: Mutex::new(input),
            heard,
            next: Mutex::new(1),
            page: String::new(),
            _folder: folder,
        };
        let made = json!({ "url": "about:blank" });
        let target = browser.call("Target.createTarget", made).await;
        let which = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", which).await;
        session["sessionId"]
            .as_str()
            .expect("a session")
            .clone_into(&mut browser.page);
        for domain in ["Page", "Runtime", "Log", "WebAuthn"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// One call of the protocol: its result, or what was wrong.
    async fn attempt(&self, method: &str, params: Value) -> Result<Value, String> {
        let (tell, told) = oneshot::channel();
        let id = {
            let mut next = lock(&self.next);
            *next += 1;
            *next
        };
        lock(&self.heard).waiting.insert(id, tell);
        let mut call = json!({ "id": id, "method": method, "params": params });
        if !self.page.is_empty() {
            call["sessionId"] = self.page.as_str().into();
        }
        {
            let mut input = lock(&self.input);
            let input = input.as_mut().expect("open until the end");
            let sent = input
                .write_all(format!("{call}\0").as_bytes())
                .and_then(|()| input.flush());
            sent.map_err(|e| format!("{method}: {e}"))?;
        }
        let answer = tokio::time::timeout(PATIENCE, told).await;
        let answer = answer.map_err(|_| format!("{method}: no answer"))?;
        let answer = answer.map_err(|_| format!("{method}: the browser is gone"))?;
        if answer["error"].is_null() {
            Ok(answer["result"].clone())
        } else {
            Err(format!("{method}: {}", answer["error"]))
        }
    }

    pub async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.attempt(method, params).await;
        answer.unwrap_or_else(|e| panic!("{e}"))
    }

    /// A new authenticator that keeps keys, knows its owner and says yes at once; its id.
    pub async fn plug_in(&self, transport: &str) -> String {
        let options = json!({
            "protocol": "ctap2", "transport": transport,
            "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        });
        let made = json!({ "options": options });
        let made = self.call("WebAuthn.addVirtualAuthenticator", made).await;
        made["authenticatorId"].as_str().expect("an id").to_owned()
    }

    pub async fn pull_out(&self, authenticator: &str) {
        let which = json!({ "authenticatorId": authenticator });
        self.call("WebAuthn.removeVirtualAuthenticator", which)
            .await;
    }

    async fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let answer = self.attempt("Runtime.evaluate", params).await?;
        match &answer["exceptionDetails"] {
            Value::Null => Ok(answer["result"]["value"].clone()),
            wrong => Err(format!("{expression}: {wrong}")),
        }
    }

    /// What an expression comes to on the page; promises are waited for.
    pub async fn value(&self, expression: &str) -> Value {
        let value = self.evaluate(expression).await;
        value.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Waits until this holds. Pages may come and go meanwhile.
    pub async fn until(&self, condition: &str) {
        let end = Instant::now() + PATIENCE;
        while self.evaluate(condition).await != Ok(Value::Bool(true)) {
            if Instant::now() > end {
                let page = "location.href + ': ' + document.body?.innerText";
                let page = self.evaluate(page).await;
                panic!("not {condition}\n{page:?}\n{:#?}", self.faults());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Errors of scripts, of the console, of the network and of policies, and dialogs, since the last call.
    pub fn faults(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.heard).faults)
    }
}

fn listen(output: ChildStdout, heard: &Mutex<Heard>) {
    let mut output = BufReader::new(output);
    let mut text = Vec::new();
    while matches!(output.read_until(0, &mut text), Ok(1..)) {
        text.pop();
        let said: Value = serde_json::from_slice(&text).unwrap_or_default();
        text.clear();
        let mut heard = lock(heard);
        match said["id"].as_u64() {
            Some(id) => {
                if let Some(tell) = heard.waiting.remove(&id) {
                    let _ = tell.send(said);
                }
            }
            None => heard.faults.extend(fault_in(&said)),
        }
    }
    // Whoever still waits learns that there is nobody.
    lock(heard).waiting.clear();
}

fn fault_in(event: &Value) -> Option<String> {
    let params = &event["params"];
    let is_fault = match event["method"].as_str()? {
        "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
        "Runtime.consoleAPICalled" => matches!(params["type"].as_str(), Some("error" | "assert")),
        "Log.entryAdded" => params["entry"]["level"] == "error",
        _ => false,
    };
    is_fault.then(|| params.to_string())
}
