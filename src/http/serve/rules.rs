//! What HTTP itself asks of a request and the library lets pass (RFC 9110, RFC 9112). A request that two programs on its
//! way could read in two ways is refused, and its connection is closed.
use crate::base::url;
use crate::http::respond;
use axum::body::Body;
use axum::http::header::{CONNECTION, EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use axum::http::{Method, Request, Response, StatusCode, Uri, Version};

/// The answer to a request that breaks a rule.
pub(super) fn broken<B>(request: &Request<B>) -> Option<Response<Body>> {
    if !has_one_host(request) || !is_target(request.method(), request.uri()) {
        return Some(refusal(StatusCode::BAD_REQUEST));
    }
    if !is_framed_plainly(request) {
        return Some(refusal(StatusCode::NOT_IMPLEMENTED));
    }
    if !expects_only_to_go_on(request) {
        return Some(refusal(StatusCode::EXPECTATION_FAILED));
    }
    (request.uri().path() == "*").then(|| whole_server(request.method()))
}

/// One `Host`, with nothing in it but a host. Old versions may leave it out; since HTTP/2 it is in the target, and both
/// say the same.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return false,
        (host, None) => host.map(HeaderValue::as_bytes),
    };
    let target = request.uri().authority().map(|a| a.as_str().as_bytes());
    match request.version() {
        Version::HTTP_2 => match (target, host) {
            (Some(target), Some(host)) => is_host(target) && target.eq_ignore_ascii_case(host),
            (target, host) => target.or(host).is_some_and(is_host),
        },
        Version::HTTP_11 => host.map_or(request.method() == Method::CONNECT, is_host),
        _ => host.is_none_or(is_host),
    }
}

fn is_host(text: &[u8]) -> bool {
    let may_stand =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(byte);
    text.iter().all(may_stand)
}

/// A path, with or without a server before it, whose `%` are each followed by two digits. An address without a path is
/// for proxies.
fn is_target(method: &Method, uri: &Uri) -> bool {
    url::escapes_are_whole(uri.path())
        && (*method == Method::CONNECT || uri.authority().is_none() || uri.scheme().is_some())
}

/// The one transfer coding is `chunked`, once: whoever stood before us must have seen the same end of the body.
fn is_framed_plainly<B>(request: &Request<B>) -> bool {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}

/// The only expectation that there is: to be told that the body may be sent.
fn expects_only_to_go_on<B>(request: &Request<B>) -> bool {
    request.headers().get(EXPECT).is_none_or(|expected| {
        let mut words = expected.as_bytes().split(|byte| *byte == b',');
        expected.is_empty()
            || words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"100-continue"))
    })
}

/// `*`: one may ask what the server can do as a whole, and is told no more than that it is there.
fn whole_server(method: &Method) -> Response<Body> {
    if *method == Method::OPTIONS {
        return Response::new(Body::empty());
    }
    refusal(StatusCode::BAD_REQUEST)
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = respond::plain(status, format!("{status}\n"));
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
