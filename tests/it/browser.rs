//! Passkeys and security keys in a real browser, on pages of another origin than the server's, as people use them: the
//! script of the forms, its hash, the policies of the page, and cookies, all of which no client of ours can play.
use crate::support::chromium::{Chromium, quoted};
use crate::support::client::PASSWORD;
use crate::support::page::{self, Style};
use crate::support::{START, TestApp, inline, person_schema};
use kratos::base::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use time::Duration;

const STYLES: [Style; 2] = [Style::Attributes, Style::Triggers];

struct Visit<'a> {
    browser: &'a Chromium,
    app: TestApp,
    /// The server's address as the browser sees it.
    server: String,
    site: String,
}

/// A server with passkeys and security keys, its pages.
async fn visit(browser: &Chromium, style: Style, passwordless: bool) -> Visit<'_> {
    let mut schema = person_schema();
    let email = &mut schema["properties"]["traits"]["properties"]["email"];
    let credentials = &mut email["ory.sh/kratos"]["credentials"];
    credentials["webauthn"] = json!({ "identifier": true });
    credentials["passkey"] = json!({ "display_name": true });
    let (listener, site) = page::site().await;
    let ui = |page: &str| json!({ "ui_url": format!("{site}/{page}") });
    let mut registration = ui("registration");
    let after = json!({ "hooks": [{ "hook": "session" }] });
    registration["after"] = json!({ "passkey": after, "webauthn": after });
    let mut app = TestApp::with(json!({
        "serve": { "public": { "cors": { "enabled": true, "allowed_origins": [site] } } },
        "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
        "session": { "whoami": { "required_aal": "highest_available" } },
        "selfservice": {
            "default_browser_return_url": format!("{site}/welcome"),
            "allowed_return_urls": [format!("{site}/")],
            "methods": {
                "passkey": { "enabled": true, "config": { "rp": {
                    "id": "localhost", "display_name": "Example", "origins": [site],
                } } },
                "webauthn": { "enabled": true, "config": {
                    "passwordless": passwordless,
                    "rp": { "id": "localhost", "display_name": "Example", "origins": [site] },
                } },
            },
            "flows": {
                "error": ui("error"), "settings": ui("settings"), "login": ui("login"),
                "registration": registration,
                "logout": { "after": { "default_browser_return_url": format!("{site}/goodbye") } },
            },
        },
    }))
    .await;
    // The browser has a clock of its own, and cookies end by it.
    app.clock.advance(SystemClock.now() - START);
    let server = app.public.replace("127.0.0.1", "localhost");
    app.configure(&json!({ "serve": { "public": { "base_url": format!("{server}/") } } }));
    page::serve(listener, &server, style);
    Visit {
        browser,
        app,
        server,
        site,
    }
}

impl Visit<'_> {
    /// Does something after which another page comes, and waits for that page.
    async fn then(&self, act: &str, page: &str) {
        self.browser
            .value(&format!("window.shown = false; {act}; null"))
            .await;
        let there = quoted(&format!("{}/{page}", self.site));
        let condition = format!("window.shown === true && location.href.startsWith({there})");
        self.browser.until(&condition).await;
    }

    async fn open(&self, page: &str) {
        let url = quoted(&format!("{}/{page}", self.site));
        let page = page.split('?').next().unwrap_or(page);
        self.then(&format!("location.href = {url}"), page).await;
    }

    async fn fill(&self, name: &str, text: &str) {
        let (name, text) = (quoted(name), quoted(text));
        let act = format!("document.getElementsByName({name})[0].value = {text}");
        self.browser.value(&act).await;
    }

    /// Clicks what the selector finds, once the function that it calls is there.
    async fn click(&self, selector: &str, page: &str) {
        let act = format!("document.querySelector({}).click()", quoted(selector));
        self.then(&act, page).await;
    }

    async fn whoami(&self) -> Value {
        let fetch = format!(
            "fetch('{}/sessions/whoami', {{ credentials: 'include' }}).then((answer) => answer.json())",
            self.server
        );
        self.browser.value(&fetch).await
    }

    /// The methods of the session, in their order, and its level.
    async fn signed_in_by(&self) -> (Vec<String>, String) {
        let me = self.whoami().await;
        let level = me["authenticator_assurance_level"].as_str();
        let level = level.unwrap_or_else(|| panic!("{me}")).to_owned();
        let methods = me["authentication_methods"].as_array().expect("methods");
        let name = |method: &Value| method["method"].as_str().unwrap_or_default().to_owned();
        (methods.iter().map(name).collect(), level)
    }

    /// Whether somebody touches the authenticator when it asks.
    async fn presence(&self, authenticator: &str, there: bool) {
        let params = json!({ "authenticatorId": authenticator, "enabled": there });
        self.browser
            .call("WebAuthn.setAutomaticPresenceSimulation", params)
            .await;
    }

    /// The browser forgets all.
    async fn leave(self, authenticator: &str) {
        self.browser.pull_out(authenticator).await;
        self.browser
            .call("Network.clearBrowserCookies", json!({}))
            .await;
    }

    async fn messages(&self) -> Vec<String> {
        let ids = "[...document.querySelectorAll('.message')].map((message) => message.id)";
        let ids = self.browser.value(ids).await;
        serde_json::from_value(ids).expect("ids")
    }

    async fn sign_out(&self) {
        let act = format!(
            "fetch('{}/self-service/logout/browser', {{ credentials: 'include' }})\
             .then((answer) => answer.json()).then((answer) => {{ location.href = answer.logout_url }})",
            self.server
        );
        self.then(&act, "goodbye").await;
    }

    /// Nothing went wrong on any page since the last call.
    fn no_faults(&self) {
        assert_eq!(self.browser.faults(), Vec::<String>::new());
    }
}

fn by(methods: &[&str], level: &str) -> (Vec<String>, String) {
    let methods = methods.iter().map(|&m| m.to_owned()).collect();
    (methods, level.to_owned())
}

/// The passkey is the button's, and then the one that the browser offers for the field with the name.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_up_and_in() {
    let Some(browser) = Chromium::start().await else {
        return;
    };
    for style in STYLES {
        let visit = visit(&browser, style, false).await;
        let key = browser.plug_in("internal").await;
        visit.open("registration").await;
        visit.fill("traits.email", "ada@example.org").await;
        visit
            .click("[name=passkey_register_trigger]", "welcome")
            .await;
        assert_eq!(visit.signed_in_by().await, by(&["passkey"], "aal1"));
        visit.sign_out().await;
        visit.no_faults();

        let me = visit.whoami().await;
        assert_eq!(me["error"]["code"], 401, "{me}");
        // The network tab has it, too.
        assert_eq!(browser.faults().len(), 1);
        // Nobody is at the authenticator until the button is there to be clicked.
        visit.presence(&key, false).await;
        visit.open("login").await;
        visit
            .browser
            .until("!!window.abortPasskeyConditionalUI")
            .await;
        visit.no_faults();
        visit.presence(&key, true).await;
        visit.click("[name=passkey_login_trigger]", "welcome").await;
        assert_eq!(visit.signed_in_by().await, by(&["passkey"], "aal1"));
        visit.no_faults();
        visit.sign_out().await;

        visit
            .then(
                &format!("location.href = '{}/login'", visit.site),
                "welcome",
            )
            .await;
        assert_eq!(visit.signed_in_by().await, by(&["passkey"], "aal1"));
        visit.no_faults();
        visit.leave(&key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_add_keys_that_are_second_factors_and_do_away_with_them() {
    let Some(browser) = Chromium::start().await else {
        return;
    };
    for style in STYLES {
        let visit = visit(&browser, style, false).await;
        let key = browser.plug_in("usb").await;
        visit.open("registration").await;
        visit.fill("traits.email", "ada@example.org").await;
        visit.fill("password", PASSWORD).await;
        visit
            .click("[name=method][value=password]", "welcome")
            .await;
        assert_eq!(visit.signed_in_by().await, by(&["password"], "aal1"));

        visit.open("settings").await;
        visit
            .click("[name=passkey_register_trigger]", "settings")
            .await;
        assert_eq!(visit.messages().await, ["1050001"]);
        visit.fill("webauthn_register_displayname", "blue").await;
        visit
            .click("[name=webauthn_register_trigger]", "settings")
            .await;
        assert_eq!(visit.messages().await, ["1050001"]);
        let all = by(&["password", "passkey", "webauthn"], "aal2");
        assert_eq!(visit.signed_in_by().await, all);
        visit.sign_out().await;
        visit.no_faults();

        visit.app.clock.advance(Duration::seconds(1));
        // The passkey says nothing while the page waits for a name.
        visit.presence(&key, false).await;
        visit.open("login").await;
        visit.fill("identifier", "ada@example.org").await;
        visit.fill("password", PASSWORD).await;
        visit.click("[name=method][value=password]", "login").await;
        visit.presence(&key, true).await;
        assert_eq!(visit.messages().await, ["1010004"]);
        visit
            .click("[name=webauthn_login_trigger]", "welcome")
            .await;
        let both = by(&["password", "webauthn"], "aal2");
        assert_eq!(visit.signed_in_by().await, both);

        visit.open("settings").await;
        for button in ["webauthn_remove", "passkey_remove"] {
            let button = format!("[name={button}]");
            visit.click(&button, "settings").await;
            assert_eq!(visit.messages().await, ["1050001"]);
            let left = format!("document.querySelectorAll({}).length", quoted(&button));
            assert_eq!(browser.value(&left).await, 0);
        }
        visit.no_faults();
        visit.leave(&key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_key_signs_up_and_in_by_two_steps() {
    let Some(browser) = Chromium::start().await else {
        return;
    };
    for style in STYLES {
        let visit = visit(&browser, style, true).await;
        let key = browser.plug_in("usb").await;
        visit.open("registration").await;
        visit.fill("traits.email", "ada@example.org").await;
        visit.fill("webauthn_register_displayname", "blue").await;
        visit
            .click("[name=webauthn_register_trigger]", "welcome")
            .await;
        assert_eq!(visit.signed_in_by().await, by(&["webauthn"], "aal1"));
        visit.sign_out().await;
        visit.no_faults();

        visit.open("login").await;
        visit.fill("identifier", "ada@example.org").await;
        visit.click("[name=method][value=webauthn]", "login").await;
        assert_eq!(visit.messages().await, ["1010012"]);
        visit
            .click("[name=webauthn_login_trigger]", "welcome")
            .await;
        assert_eq!(visit.signed_in_by().await, by(&["webauthn"], "aal1"));
        visit.no_faults();
        visit.leave(&key).await;
    }
}
