//! What the server has written to people: rows of its queue.
use super::TestApp;
use kratos::model::message::CourierMessage;
use kratos::store::Load;
use serde_json::Value;

impl TestApp {
    /// All messages to an address, the newest first.
    pub async fn mails(&self, to: &str) -> Vec<CourierMessage> {
        let mut messages = self.services.store.messages();
        let list = messages.list(None, Some(to), None, 500).await;
        list.expect("messages")
    }

    /// The newest message to an address.
    pub async fn mail(&self, to: &str) -> CourierMessage {
        let newest = self.mails(to).await.into_iter().next();
        newest.unwrap_or_else(|| panic!("nothing was written to {to}"))
    }

    /// The code in the newest message to an address.
    pub async fn code(&self, to: &str) -> String {
        code_in(&self.mail(to).await.body)
    }

    /// The path of the link in the newest message to an address.
    pub async fn link(&self, to: &str) -> String {
        let body = self.mail(to).await.body;
        let from = body.find(&self.public).expect("a link") + self.public.len();
        let link = body[from..].split_whitespace().next().expect("a link");
        link.to_owned()
    }

    /// Is the address of this person verified?
    pub async fn is_verified(&self, id: &str, address: &str) -> bool {
        let id = serde_json::from_value(Value::String(id.to_owned())).expect("an id");
        let mut identities = self.services.store.identities();
        let identity = identities.get(id, Load::Addresses).await.expect("somebody");
        let mut addresses = identity.verifiable_addresses.iter();
        let found = addresses.find(|a| a.value == address).expect("an address");
        found.verified
    }
}

/// The first six digits in a row.
pub fn code_in(text: &str) -> String {
    let is_code = |word: &&str| word.len() == 6;
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.find(is_code).expect("a code").to_owned()
}
