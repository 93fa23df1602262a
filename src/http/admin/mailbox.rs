//! The mailbox of development: what was queued lately, as text, as HTML and as JSON. It shows codes and links, so that
//! it is there with `--dev` only.
use crate::base::time::rfc3339;
use crate::courier::channel::is_mailbox;
use crate::courier::worker::Office as _;
use crate::flow::{Cx, Fault};
use crate::http::context::Call;
use crate::http::{error, respond, welcome::escaped};
use crate::model::message::CourierMessage;
use crate::services::Services;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::Response;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Messages shown, the newest first.
const MOST: u32 = 50;

/// `GET /admin/mailbox`
pub async fn page(State(services): State<Arc<Services>>, call: Call) -> Response {
    answer(&services, &call, |messages| html(&call.cx, messages)).await
}

/// `GET /admin/mailbox/messages`
pub async fn messages(State(services): State<Arc<Services>>, call: Call) -> Response {
    answer(&services, &call, as_json).await
}

/// A message with its HTML.
type Letter = (CourierMessage, Option<String>);

async fn answer(
    services: &Services,
    call: &Call,
    show: impl FnOnce(&[Letter]) -> Response,
) -> Response {
    let cx = &call.cx;
    if !cx.config.dev {
        return respond::plain(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    let letters: Result<Vec<Letter>, Fault> = async {
        let list = cx.store().messages().list(None, None, None, MOST).await?;
        let mut letters = Vec::with_capacity(list.len());
        for message in list {
            let html = services.html(&cx.config, &message, cx.now).await;
            letters.push((message, html));
        }
        Ok(letters)
    }
    .await;
    match letters {
        Ok(letters) => show(&letters),
        Err(fault) => error::of_fault(fault, &cx.request.request_id),
    }
}

fn as_json(letters: &[Letter]) -> Response {
    let list: Vec<_> = letters
        .iter()
        .map(|(message, html)| {
            json!({
                "id": message.id,
                "status": message.status.word(),
                "type": message.via.word(),
                "recipient": message.recipient,
                "subject": message.subject,
                "body": message.body,
                "html_body": html,
                "template_type": message.template_type,
                "send_count": message.send_count,
                "created_at": rfc3339(message.created_at),
            })
        })
        .collect();
    respond::json(200, &list)
}

fn html(cx: &Cx, letters: &[Letter]) -> Response {
    let mut list = String::new();
    for (message, html) in letters {
        let title = match message.subject.as_str() {
            "" => message.template_type.as_str(),
            subject => subject,
        };
        let _ = write!(
            list,
            "<article><h2>{}</h2><p>to <b>{}</b> · {} · {} · {}</p><pre>{}</pre>",
            escaped(title),
            escaped(&message.recipient),
            message.via,
            message.status.word(),
            escaped(&rfc3339(message.created_at)),
            linked(&message.body),
        );
        if let Some(html) = html {
            // Neither scripts nor forms; links open elsewhere.
            let _ = write!(
                list,
                "<iframe title=\"HTML\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" \
                 referrerpolicy=\"no-referrer\" srcdoc=\"{}\"></iframe>",
                escaped(&format!("<base target=\"_blank\">{html}"))
            );
        }
        list.push_str("</article>");
    }
    let note = if is_mailbox(&cx.config) {
        "No mail server is configured: mails go nowhere but here. They are queued until a courier runs (--watch-courier), \
         and count as sent then."
    } else {
        "Mails are handed to the mail server or gateway that is configured, and shown here, too."
    };
    let empty = if letters.is_empty() {
        "<p>There is no message yet.</p>"
    } else {
        ""
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mailbox</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main><h1>Mailbox</h1>\
         <p>{note} The newest {MOST} messages, as JSON at <a href=\"/admin/mailbox/messages\">\
         /admin/mailbox/messages</a>.</p>{empty}{list}</main></body></html>\n"
    );
    let mut response = Response::new(Body::from(page));
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            // Frames without an address of their own inherit it: a mail loads nothing, and runs nothing.
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text as HTML; addresses can be followed.
fn linked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for word in text.split_inclusive(char::is_whitespace) {
        let address = word.trim_end();
        if address.starts_with("http://") || address.starts_with("https://") {
            let shown = escaped(address);
            let _ = write!(
                out,
                "<a href=\"{shown}\" target=\"_blank\" rel=\"noopener noreferrer\">{shown}</a>"
            );
            out.push_str(&escaped(&word[address.len()..]));
        } else {
            out.push_str(&escaped(word));
        }
    }
    out
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif}main{max-width:46rem;margin:0 auto;\
padding:1.5rem}article{border:1px solid #8886;border-radius:.5rem;padding:0 1rem 1rem;margin:1rem 0}\
h2{font-size:1.05rem;overflow-wrap:anywhere}pre{white-space:pre-wrap;overflow-wrap:anywhere}\
iframe{width:100%;height:30rem;border:1px solid #8886;border-radius:.25rem;background:#fff}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            linked("<b> https://a.test/?x=1&y=\"2\"\nhttps:x javascript:alert(1)"),
            "&lt;b&gt; <a href=\"https://a.test/?x=1&amp;y=&quot;2&quot;\" target=\"_blank\" \
             rel=\"noopener noreferrer\">https://a.test/?x=1&amp;y=&quot;2&quot;</a>\nhttps:x javascript:alert(1)"
        );
    }
}
