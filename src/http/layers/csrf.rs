//! Forgery by other websites (http-api.md §4): which paths are guarded, who gets the cookie, who is refused.
//!
//! Flows compare their tokens themselves. This layer gives the cookie out and guards what no handler guards.
use crate::crypto::csrf::CsrfToken;
use crate::http::{cookies, headers};
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, Method};

/// How a path is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// As if this layer was not there.
    Disabled,
    /// The handler checks by itself; no cookie is set.
    Ignored,
    /// A safe method gets the cookie if it has none, an unsafe one needs cookie and token.
    Guarded,
}

const DISABLED: &[&str] = &[
    "/health/alive",
    "/health/ready",
    "/version",
    "/metrics/prometheus",
];

/// `*` stands for one segment.
const IGNORED: &[&str] = &[
    "/self-service/login/api",
    "/self-service/registration/api",
    "/self-service/settings/api",
    "/self-service/recovery/api",
    "/self-service/verification/api",
    "/self-service/login",
    "/self-service/registration",
    "/self-service/settings",
    "/self-service/recovery",
    "/self-service/verification",
    "/self-service/login/test",
    "/self-service/logout/api",
    "/self-service/methods/oidc/callback/*",
    "/sessions",
    "/sessions/*",
    "/sessions/*/extend",
    "/identities",
    "/identities/*",
    "/identities/*/credentials/*",
    "/identities/*/sessions",
    "/admin/identities",
    "/admin/identities/*",
    "/admin/identities/*/credentials/*",
    "/admin/identities/*/sessions",
    "/schemas/*",
    "/admin/schemas/*",
    "/courier/messages",
    "/admin/courier/messages",
    "/recovery/code",
    "/recovery/link",
];

#[must_use]
pub fn class(path: &str) -> Class {
    if DISABLED.contains(&path) {
        Class::Disabled
    } else if IGNORED.iter().any(|pattern| fits(pattern, path)) {
        Class::Ignored
    } else {
        Class::Guarded
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

/// What comes of the cookies and the token of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// Neither cookie nor token prove that the request was wanted.
    Refuse,
}

/// Judges a request by the cookies called `name`. With the verdict: whether the answer has to give a new cookie, because
/// there was none, it could not be read, or there were several.
#[must_use]
pub fn judge(class: Class, method: &Method, name: &str, headers: &HeaderMap) -> (Verdict, bool) {
    if class != Class::Guarded {
        return (Verdict::Pass, false);
    }
    let tokens: Vec<_> = cookies::pairs(headers)
        .filter(|(n, _)| *n == name)
        .map(|(_, value)| CsrfToken::from_cookie(value))
        .collect();
    let renew = !matches!(tokens.as_slice(), [Some(_)]);
    if is_safe(method) {
        return (Verdict::Pass, renew);
    }
    let token = headers::text(headers, HEADER);
    let proven = token.is_some_and(|sent| tokens.iter().flatten().any(|real| real.matches(&sent)));
    (
        if proven {
            Verdict::Pass
        } else {
            Verdict::Refuse
        },
        renew,
    )
}

/// Where scripts put the token. Forms put it into the body, but no guarded route takes one.
pub const HEADER: &str = "x-csrf-token";

fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Puts the new cookie on the answer, unless the handler has given one of that name itself.
pub fn give(name: &str, line: &str, answer: &mut HeaderMap) {
    let given = answer.get_all(SET_COOKIE).iter().any(|line| {
        line.as_bytes()
            .strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"="))
    });
    if !given && let Ok(line) = HeaderValue::from_str(line) {
        answer.append(SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    #[test]
    fn paths_have_their_class() {
        for (path, expected) in [
            ("/health/alive", Class::Disabled),
            ("/version", Class::Disabled),
            ("/health/alive/", Class::Guarded),
            ("/self-service/login", Class::Ignored),
            ("/self-service/login/api", Class::Ignored),
            ("/self-service/login/browser", Class::Guarded),
            ("/self-service/login/flows", Class::Guarded),
            ("/self-service/logout", Class::Guarded),
            ("/sessions/whoami", Class::Ignored),
            ("/sessions/token-exchange", Class::Ignored),
            ("/sessions/a/b", Class::Guarded),
            ("/sessions/a/extend", Class::Ignored),
            ("/schemas", Class::Guarded),
            ("/schemas/default", Class::Ignored),
            ("/admin/identities/x/credentials/totp", Class::Ignored),
            ("/identities/by/external/x", Class::Guarded),
            ("/admin/recovery/link", Class::Guarded),
            ("/", Class::Guarded),
        ] {
            assert_eq!(class(path), expected, "{path}");
        }
    }

    const NAME: &str = "csrf_token_x";

    fn judged(method: &Method, cookies: &[&str], token: Option<&str>) -> (Verdict, bool) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, format!("other=1; {NAME}={cookie}").parse().unwrap());
        }
        if let Some(token) = token {
            headers.insert(HEADER, token.parse().unwrap());
        }
        judge(Class::Guarded, method, NAME, &headers)
    }

    #[test]
    fn unsafe_requests_need_cookie_and_token() {
        let dice = crate::base::random::SeededRandom::new(1);
        let token = CsrfToken::random(&dice);
        let (cookie, masked) = (token.cookie_value(), token.mask(&dice));
        let other = CsrfToken::random(&dice).cookie_value();
        assert_eq!(
            judged(&Method::POST, &[&cookie], Some(&masked)),
            (Verdict::Pass, false)
        );
        assert_eq!(
            judged(&Method::POST, &[&other, &cookie], Some(&masked)),
            (Verdict::Pass, true)
        );
        assert_eq!(
            judged(&Method::POST, &[&cookie], None),
            (Verdict::Refuse, false)
        );
        assert_eq!(
            judged(&Method::POST, &[&other], Some(&masked)),
            (Verdict::Refuse, false)
        );
        assert_eq!(
            judged(&Method::POST, &[], Some(&masked)),
            (Verdict::Refuse, true)
        );
        assert_eq!(
            judged(&Method::DELETE, &["nonsense"], None),
            (Verdict::Refuse, true)
        );
    }

    #[test]
    fn safe_requests_pass_and_get_the_cookie_they_lack() {
        let dice = crate::base::random::SeededRandom::new(1);
        let cookie = CsrfToken::random(&dice).cookie_value();
        assert_eq!(
            judged(&Method::GET, &[&cookie], None),
            (Verdict::Pass, false)
        );
        for cookies in [&[][..], &["YWJj"], &["YWJj", &cookie]] {
            assert_eq!(
                judged(&Method::HEAD, cookies, None),
                (Verdict::Pass, true),
                "{cookies:?}"
            );
        }
    }

    #[test]
    fn a_cookie_given_by_the_handler_stays_the_only_one() {
        let mut answer = HeaderMap::new();
        give(NAME, &format!("{NAME}=a; Path=/"), &mut answer);
        give(NAME, &format!("{NAME}=b; Path=/"), &mut answer);
        assert_eq!(answer.get_all(SET_COOKIE).iter().count(), 1);
    }
}
