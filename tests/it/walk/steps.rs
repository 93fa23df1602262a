//! The steps of the walk. What is wrong in a submission is wrong on purpose; what comes of it is held to the rules where
//! it is sent.
use super::{Asked, Walk};
use crate::second_factor::{code_of, codes_in, secret_in};
use crate::support::client::{Answer, Form, Kind, OTHER_PASSWORD, PASSWORD, query_of};
use crate::support::mail::code_in;
use kratos::base::clock::Clock;
use kratos::base::terms::CredentialsType;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    TimePasses,
    SignIn,
    SignInByCode,
    SecondFactor,
    Refresh,
    /// Cookies and token are lost.
    Forget,
    SignOut,
    Change,
    /// Somebody else signs up in the same browser.
    Stranger,
    AskToRecover,
    Recover,
    GoBack,
    AskToVerify,
    Verify,
    /// To the change that waits for a fresh sign-in.
    ComeBack,
    /// A form from before, from anywhere.
    SendAgain,
}

impl Walk {
    pub(super) async fn take(&mut self, step: Step, at: usize) {
        let right = !self.dice.one_in(4);
        match step {
            Step::TimePasses => {
                let minutes = 1 + i64::try_from(self.dice.below(60)).unwrap_or(0);
                self.app.clock.advance(Duration::minutes(minutes));
            }
            Step::SignIn => {
                if self.dice.one_in(2) {
                    self.forget(at);
                }
                self.sign_in(at, "", right).await;
            }
            Step::Refresh => self.sign_in(at, "refresh=true", right).await,
            Step::SignInByCode => self.sign_in_by_code(at, right).await,
            Step::SecondFactor => self.step_up(at, right).await,
            Step::Forget => self.forget(at),
            Step::SignOut => {
                self.sign_out(at).await;
            }
            Step::Change => self.change(at).await,
            Step::Stranger => self.stranger(at).await,
            Step::AskToRecover => {
                self.ask(at, "recovery").await;
            }
            Step::AskToVerify => {
                self.ask(at, "verification").await;
            }
            Step::Recover => self.recover(at, right).await,
            Step::Verify => self.verify(at, right).await,
            Step::GoBack => self.go_back(at).await,
            Step::ComeBack => self.come_back(at).await,
            Step::SendAgain => self.send_again(at).await,
        }
    }

    fn forget(&mut self, at: usize) {
        let client = self.client(at);
        client.token = None;
        client.cookies.clear();
    }

    fn other_password(&self) -> &'static str {
        if self.password == PASSWORD {
            OTHER_PASSWORD
        } else {
            PASSWORD
        }
    }

    async fn sign_in(&mut self, at: usize, query: &str, right: bool) {
        let Some(form) = self.begin_flow(at, "login", query).await else {
            return;
        };
        let password = if right {
            self.password
        } else {
            self.other_password()
        };
        let fields = json!({
            "method": "password", "identifier": self.address(), "password": password,
        });
        self.send(at, "login", &form, fields).await;
        if right && self.client(at).whoami().await.status == 200 {
            self.did("signed in");
        }
    }

    /// Waits, so that the newest mail is that of the next request.
    fn wait(&self) {
        self.app.clock.advance(Duration::seconds(1));
    }

    /// The code that was just mailed for this form.
    async fn mailed_for(&mut self, form: &Form) -> String {
        let mails = self.app.mails(&self.address()).await;
        let newest = mails.first().map(|mail| code_in(&mail.body));
        let code = newest.unwrap_or_else(|| "000000".to_owned());
        let id = form.id.clone();
        self.mailed.entry(code.clone()).or_insert(id);
        code
    }

    async fn sign_in_by_code(&mut self, at: usize, right: bool) {
        self.wait();
        let Some(form) = self.begin_flow(at, "login", "").await else {
            return;
        };
        if self.mfa {
            return;
        }
        let mut fields = json!({ "method": "code", "identifier": self.address() });
        self.send(at, "login", &form, fields.clone()).await;
        let code = self.mailed_for(&form).await;
        fields["code"] = if right { code } else { wrong(&code) }.into();
        self.send(at, "login", &form, fields).await;
        if right {
            self.did("signed in by code");
        }
    }

    /// The second factor, by whatever the walker has.
    async fn step_up(&mut self, at: usize, right: bool) {
        self.wait();
        let Some(form) = self.begin_flow(at, "login", "aal=aal2").await else {
            return;
        };
        let is_mailed = form.flow["state"] == "sent_email";
        let by_mail = self.mfa && self.dice.one_in(3);
        let account = self.account();
        let fields = if let (Some(secret), false) = (&account.secret, is_mailed || by_mail) {
            let code = code_of(secret, self.app.clock.now());
            let code = if right { code } else { wrong(&code) };
            json!({ "method": "totp", "totp_code": code })
        } else if let (Some(code), false) = (account.unused.first(), is_mailed || by_mail) {
            let code = if right { code.as_str() } else { "abcd1234" };
            json!({ "method": "lookup_secret", "lookup_secret": code })
        } else if self.mfa {
            let mut fields = json!({ "method": "code", "address": self.address() });
            if !is_mailed {
                self.send(at, "login", &form, fields.clone()).await;
            }
            let code = self.mailed_for(&form).await;
            fields["code"] = if right { code } else { wrong(&code) }.into();
            fields
        } else {
            // Nothing is set up, and nothing fits.
            json!({ "method": "totp", "totp_code": "123456" })
        };
        self.send(at, "login", &form, fields).await;
        if right && self.client(at).whoami().await.status == 200 {
            self.did("stepped up");
        }
    }

    /// True: somebody was signed in.
    async fn sign_out(&mut self, at: usize) -> bool {
        let client = self.client(at);
        let (cookies, token) = (client.cookies.clone(), client.token.clone());
        let before = client.whoami().await.status;
        if client.kind == Kind::Native {
            let body = json!({ "session_token": token });
            let path = "/self-service/logout/api";
            let done = client.send(Method::DELETE, path, Some(&body)).await;
            // Of one that is over already, too.
            assert!(before == 401 || done.status == 204, "{}", done.text);
        } else {
            let offered = client.get("/self-service/logout/browser").await;
            assert_eq!(offered.status == 200, before != 401, "{}", offered.text);
            if offered.status == 200 {
                let url = offered.json()["logout_url"].clone();
                let done = client.get(url.as_str().expect("a URL")).await;
                assert!(done.status.as_u16() < 400, "{}", done.text);
            }
        }
        if before == 401 {
            return false;
        }
        // Copies are worth nothing either.
        (client.cookies, client.token) = (cookies, token);
        assert_eq!(client.whoami().await.status, 401);
        self.did("signed out");
        true
    }

    /// The walker's address is taken; with another, whoever signs up is somebody else.
    async fn stranger(&mut self, at: usize) {
        let Some(form) = self.begin_flow(at, "registration", "").await else {
            return;
        };
        let taken = self.dice.one_in(3);
        let email = if taken {
            self.address()
        } else {
            format!(
                "stranger{}@example.org",
                self.app.clock.now().unix_timestamp()
            )
        };
        let fields =
            json!({ "method": "password", "password": PASSWORD, "traits": { "email": email } });
        self.send(at, "registration", &form, fields).await;
        let me = self.client(at).whoami().await;
        if taken {
            assert_eq!(me.status, 401, "{}", me.text);
        } else if me.status == 200 {
            assert_ne!(me.json()["identity"]["id"], self.id);
            self.did("stranger");
        }
    }

    /// Has a code mailed, for recovery or verification, unless somebody is signed in.
    async fn ask(&mut self, at: usize, flow: &'static str) -> Option<Asked> {
        self.wait();
        let form = self.begin_flow(at, flow, "").await?;
        let address = self.address();
        let fields = match form.node("recovery_address") {
            Some(_) => json!({ "recovery_address": address }),
            None => json!({ "method": "code", "email": address }),
        };
        let sent = self.send(at, flow, &form, fields).await;
        let form = self.client(at).form(flow, &sent).await;
        let state = form.flow["state"].as_str().unwrap_or("");
        assert!(
            matches!(state, "sent_email" | "recovery_awaiting_code"),
            "{}",
            form.flow
        );
        let code = self.mailed_for(&form).await;
        let asked = Asked { flow, form, code };
        self.visitors[at].asked.push(asked.clone());
        Some(asked)
    }

    /// A form that awaits a code; now and then one of another browser.
    fn asked(&self, at: usize, flow: &str) -> Option<Asked> {
        let whose = if self.dice.one_in(6) {
            self.dice.below(self.visitors.len())
        } else {
            at
        };
        let mut newest = self.visitors[whose].asked.iter().rev();
        newest.find(|asked| asked.flow == flow).cloned()
    }

    async fn verify(&mut self, at: usize, right: bool) {
        let Some(asked) = self.asked(at, "verification") else {
            return;
        };
        let was = self.account().verified;
        let code = if right {
            asked.code.clone()
        } else {
            wrong(&asked.code)
        };
        self.send(at, "verification", &asked.form, json!({ "code": code }))
            .await;
        if !was && self.account().verified {
            self.did("verified");
        }
    }

    /// Gives the code, and then goes on to settings, or does not.
    async fn recover(&mut self, at: usize, right: bool) {
        let Some(asked) = self.asked(at, "recovery") else {
            return;
        };
        let code = if right {
            asked.code.clone()
        } else {
            wrong(&asked.code)
        };
        let fields = json!({ "method": "code", "code": code });
        let done = self.send(at, "recovery", &asked.form, fields).await;
        let page = settings_in(&done);
        assert!(
            right || page.is_none(),
            "settings without a right code: {}",
            done.text
        );
        let Some(page) = page else {
            return;
        };
        self.did("recovered");
        let is_own = |a: &Asked| a.form.id == asked.form.id;
        if self.dice.one_in(3) || !self.visitors[at].asked.iter().any(is_own) {
            return;
        }
        self.set_anew(at, &page).await;
    }

    /// Recovery leads to a form of settings, which whoever has a second factor sees only with it.
    async fn set_anew(&mut self, at: usize, id: &str) {
        let path = format!("/self-service/settings/flows?id={id}");
        let shown = self.client(at).get(&path).await;
        let has_second = self.has_second();
        assert_eq!(shown.status == 200, !has_second, "{}", shown.text);
        let mut form = Form {
            id: id.to_owned(),
            flow: json!({}),
        };
        let new = self.other_password();
        let fields = json!({ "method": "password", "password": new });
        if has_second {
            // Not even unseen.
            self.send(at, "settings", &form, fields.clone()).await;
            self.step_up(at, true).await;
        }
        let shown = self.client(at).get(&path).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        form.flow = shown.json();
        let done = self.send(at, "settings", &form, fields).await;
        assert_eq!(self.password, new, "it was not changed: {}", done.text);
        self.did(if has_second {
            "set anew after the second factor"
        } else {
            "set anew"
        });
    }

    /// To the screen before, where there is one; else the code is left lying.
    async fn go_back(&mut self, at: usize) {
        let Some(asked) = self.asked(at, "recovery") else {
            return;
        };
        if asked.form.node("screen").is_some() {
            let fields = json!({ "screen": "previous", "recovery_address": self.address() });
            self.send(at, "recovery", &asked.form, fields).await;
        } else {
            self.visitors[at].asked.pop();
        }
    }

    async fn come_back(&mut self, at: usize) {
        let Some(url) = self.visitors[at].paused.take() else {
            return;
        };
        if !self.dice.one_in(3) {
            self.sign_in(at, "refresh=true", true).await;
        }
        let may = self.may_change(at).await;
        let done = self.client(at).get(&url).await;
        let about = format!("came back: {} {:?}", done.text, done.headers);
        assert!(done.status.as_u16() < 500, "{about}");
        let before = self.account().clone();
        self.hold(&may, &about).await;
        if self.account().is_other_than(&before) {
            self.did("came back");
        }
    }

    async fn send_again(&mut self, at: usize) {
        if self.sent.is_empty() {
            return;
        }
        let sent = self.sent[self.dice.below(self.sent.len())].clone();
        self.send(at, sent.flow, &sent.form, sent.fields).await;
    }

    /// Tries to change something. Whoever may not be shown the session gets no form either, and only what names no
    /// credential is changed without a fresh sign-in.
    async fn change(&mut self, at: usize) {
        let me = self.client(at).whoami().await;
        let form = self.begin_flow(at, "settings", "").await;
        assert_eq!(form.is_some(), me.status == 200, "{}", me.text);
        let Some(form) = form else {
            return;
        };
        let session = me.json();
        if session["identity"]["id"] != self.id {
            return;
        }
        let level = &session["authenticator_assurance_level"];
        assert!(!self.has_second() || level == "aal2");
        let fresh = self.is_fresh(&session);
        let (fields, protected) = self.wish(&form);
        let email = fields["traits"]["email"].as_str().unwrap_or("");
        let is_a_strangers = email != self.address() && self.is_taken(email).await;
        let done = self.send(at, "settings", &form, fields.clone()).await;
        let client = self.client(at);
        let refused = match client.kind {
            Kind::Browser => done.location().contains("refresh=true"),
            _ => done.status == 403,
        };
        assert_eq!(refused, protected && !fresh, "{fields}: {}", done.text);
        if refused {
            if client.kind == Kind::Browser {
                let back = query_of(done.location(), "return_to");
                self.visitors[at].paused = back;
            }
            self.did("refused");
            // At once, or much later, or never.
            if self.dice.one_in(2) {
                self.come_back(at).await;
            }
            return;
        }
        let mut after = client.form("settings", &done).await;
        if is_a_strangers {
            assert_eq!(after.messages(), ["4000007"], "{fields}");
            return;
        }
        if fields["lookup_secret_regenerate"] == true {
            let codes = codes_in(&after);
            let keep = json!({ "lookup_secret_confirm": true });
            let kept = self.send(at, "settings", &after, keep).await;
            after = self.client(at).form("settings", &kept).await;
            assert_eq!(self.account().unused, codes);
        }
        assert_eq!(after.messages(), ["1050001"], "{fields}");
        if let Some(email) = fields["traits"]["email"].as_str() {
            assert_eq!(self.address(), email);
        }
        if let Some(password) = fields["password"].as_str() {
            assert_eq!(self.password, password);
        }
    }

    /// A stranger may have signed up with the address that the walker had before.
    async fn is_taken(&self, email: &str) -> bool {
        let kinds = [CredentialsType::Password];
        let mut credentials = self.app.services.store.credentials();
        let owner = credentials.by_identifier(&kinds, email, email).await;
        owner.expect("an answer").is_some()
    }

    /// What to change, and whether that takes a fresh sign-in.
    fn wish(&self, form: &Form) -> (Value, bool) {
        let account = self.account();
        let rolled = self.dice.below(7);
        let fields = match rolled {
            0 | 1 => json!({ "method": "password", "password": self.other_password() }),
            2 => match &account.secret {
                Some(_) => json!({ "totp_unlink": true }),
                None => {
                    let code = code_of(&secret_in(form), self.app.clock.now());
                    json!({ "method": "totp", "totp_code": code })
                }
            },
            3 if account.has_codes() => json!({ "lookup_secret_disable": true }),
            3 => json!({ "lookup_secret_regenerate": true }),
            4 | 5 => {
                let other = match account.address.strip_prefix("other.") {
                    Some(first) => first.to_owned(),
                    None => format!("other.{}", account.address),
                };
                json!({ "method": "profile", "traits": { "email": other } })
            }
            _ => {
                let traits = json!({ "email": account.address, "age": self.dice.below(100) });
                json!({ "method": "profile", "traits": traits })
            }
        };
        (fields, rolled < 6)
    }

    /// From wherever they are, a person with their factors and their mailbox gets in, and to their settings.
    pub(super) async fn gets_in(&mut self, at: usize, by_mail: bool) {
        for _ in 0..5 {
            let me = self.client(at).whoami().await;
            match me.status.as_u16() {
                200 if me.json()["identity"]["id"] == self.id => {
                    let form = self.begin_flow(at, "settings", "").await;
                    assert!(form.is_some(), "no settings");
                    return;
                }
                200 => {
                    self.sign_out(at).await;
                }
                403 => {
                    self.step_up(at, true).await;
                    // If it was a stranger's session, it is no use.
                    if self.client(at).whoami().await.status == 403 {
                        self.sign_out(at).await;
                    }
                }
                _ if by_mail => {
                    let asked = self.ask(at, "recovery").await.expect("a form");
                    let fields = json!({ "method": "code", "code": asked.code });
                    let done = self.send(at, "recovery", &asked.form, fields).await;
                    assert!(settings_in(&done).is_some(), "{}", done.text);
                }
                _ => self.sign_in(at, "", true).await,
            }
        }
        panic!("a dead end: {:?}", self.client(at).cookies);
    }
}

/// Another code.
fn wrong(code: &str) -> String {
    let other = if code.starts_with('1') { "2" } else { "1" };
    format!("{other}{}", &code[1..])
}

/// The form of settings that a recovery ends with.
fn settings_in(done: &Answer) -> Option<String> {
    if let Some(page) = done.header("location") {
        let is_settings = page.starts_with("http://ui.test/settings?");
        return query_of(page, "flow").filter(|_| is_settings);
    }
    let items = done.json()["continue_with"].clone();
    let last = items.as_array()?.last()?.clone();
    let is_settings = last["action"] == "show_settings_ui";
    let id = last["flow"]["id"].as_str()?;
    is_settings.then(|| id.to_owned())
}
