//! Sockets: limits of time and size, stopping, socket files, TLS.
use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::routing::{get, post};
use kratos::base::secret::Secret;
use kratos::http::peer::Peer;
use kratos::http::serve::{Address, Limits, Listener, Pem, SocketRights, serve, tls_config};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const QUICK: Limits = Limits {
    header: Duration::from_millis(300),
    read: Duration::from_millis(300),
    write: Duration::from_millis(600),
    idle: Duration::from_millis(900),
};

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

fn tcp() -> Address {
    Address::Tcp {
        host: "127.0.0.1".into(),
        port: 0,
    }
}

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/peer",
            get(|Extension(p): Extension<Peer>| async move { format!("{} {}", p.address, p.tls) }),
        )
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                "late"
            }),
        )
        .route("/endless", get(std::future::pending::<()>))
        .route("/echo", post(|body: Bytes| async { body }))
}

async fn start(limits: Limits) -> Running {
    let listener = Listener::bind(&tcp(), None).await.unwrap();
    let address = listener.socket_address().unwrap();
    let stop = CancellationToken::new();
    let done = tokio::spawn(serve(
        listener,
        limits,
        routes(),
        stop.clone(),
        Duration::from_secs(2),
    ));
    Running {
        address,
        stop,
        done,
    }
}

/// Sends and reads until the server closes.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &str) -> String {
    // The server may close before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_knows_its_peer() {
    let server = start(QUICK).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let own = stream.local_addr().unwrap();
    let answer = exchange(&mut stream, &request("/peer")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(&format!("{own} false")), "{answer}");
}

/// Whoever dribbles or says nothing is shown out in time, and nobody else notices.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_and_others_are_served() {
    let server = start(QUICK).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    let dribbling = TcpStream::connect(server.address).await.unwrap();
    let silent = tokio::spawn(async move {
        let (mut stream, began) = (silent, Instant::now());
        assert_eq!(exchange(&mut stream, "").await, "");
        began.elapsed()
    });
    let dribbling = tokio::spawn(async move {
        let (mut stream, began) = (dribbling, Instant::now());
        for byte in request("/").bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut answer = vec![];
        let _ = stream.read_to_end(&mut answer).await;
        (answer, began.elapsed())
    });
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        assert!(
            exchange(&mut stream, &request("/"))
                .await
                .ends_with("hello")
        );
    }
    let silent = silent.await.unwrap();
    // The client begins to count a little later than the server.
    assert!(
        silent * 2 >= QUICK.header && silent < QUICK.header * 10,
        "{silent:?}"
    );
    let (answer, _) = dribbling.await.unwrap();
    assert_eq!(
        answer, b"",
        "a request whose headers took too long was answered"
    );
}

/// Between two requests there is more time than within one.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_lives_until_its_own_limit() {
    let server = start(QUICK).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let keep = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut buffer = [0; 1024];
    for _ in 0..2 {
        stream.write_all(keep.as_bytes()).await.unwrap();
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..n].ends_with(b"hello"));
        tokio::time::sleep(QUICK.header * 2).await;
    }
    let began = Instant::now();
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    assert!(began.elapsed() < QUICK.idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_heads_are_refused() {
    let server = start(QUICK).await;
    let heads = |count| (0..count).fold(String::new(), |heads, n| heads + &format!("X-{n}: v\r\n"));
    let long = |length| format!("X-Long: {}\r\n", "v".repeat(length));
    for extra in [heads(90), long(600 * 1024)] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{extra}\r\n");
        let answer = exchange(&mut stream, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for extra in [heads(200), long(3 * 1024 * 1024)] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = exchange(
            &mut stream,
            &format!("GET / HTTP/1.1\r\nHost: x\r\n{extra}\r\n"),
        )
        .await;
        assert!(
            answer.starts_with("HTTP/1.1 431") || answer.is_empty(),
            "{answer}"
        );
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    assert!(
        exchange(&mut stream, &request("/"))
            .await
            .ends_with("hello")
    );
}

/// Whatever two servers in a row could understand in two ways is refused, and so is the rest of its connection.
#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_requests_are_refused() {
    let server = start(QUICK).await;
    let body = "5\r\nhello\r\n0\r\n\r\n";
    for (line, headers, status) in [
        ("GET / HTTP/1.1", "Host: x\r\n", 200),
        ("GET / HTTP/1.0", "", 200),
        ("GET / HTTP/1.1", "Host:\r\n", 200),
        ("GET / HTTP/1.1", "Host: [::1]:80\r\n", 200),
        ("GET http://y/ HTTP/1.1", "Host: x\r\n", 200),
        ("GET / HTTP/1.1", "", 400),
        ("GET / HTTP/1.1", "Host: x\r\nHost: x\r\n", 400),
        ("GET / HTTP/1.0", "Host: x\r\nHost: y\r\n", 400),
        ("GET / HTTP/1.1", "Host: u@x\r\n", 400),
        ("GET / HTTP/1.1", "Host: x/y\r\n", 400),
        ("GET / HTTP/1.1", "Host: x\u{e9}\r\n", 400),
        ("GET http://y/ HTTP/1.1", "Host: u@x\r\n", 400),
        ("GET y HTTP/1.1", "Host: x\r\n", 400),
        ("GET /%zz HTTP/1.1", "Host: x\r\n", 400),
        ("GET /% HTTP/1.1", "Host: x\r\n", 400),
        ("GET /?%zz HTTP/1.1", "Host: x\r\n", 200),
        ("GET * HTTP/1.1", "Host: x\r\n", 400),
        ("OPTIONS * HTTP/1.1", "Host: x\r\n", 200),
        (
            "POST /echo HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: chunked\r\n",
            200,
        ),
        (
            "POST /echo HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n",
            501,
        ),
        (
            "POST /echo HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: chunked, chunked\r\n",
            501,
        ),
        (
            "POST /echo HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            501,
        ),
        (
            "POST /echo HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: gzip\r\n",
            400,
        ),
        ("GET / HTTP/1.1", "Host: x\r\nExpect: foo\r\n", 417),
        ("GET / HTTP/1.1", "Host: x\r\nExpect: 100-Continue\r\n", 200),
    ] {
        let body = if headers.contains("Transfer") {
            body
        } else {
            ""
        };
        let second = "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = exchange(
            &mut stream,
            &format!("{line}\r\n{headers}\r\n{body}{second}"),
        )
        .await;
        let (head, rest) = answer.split_once("\r\n").unwrap_or_default();
        assert_eq!(
            head.split(' ').nth(1),
            Some(status.to_string().as_str()),
            "{line} {headers}: {answer}"
        );
        if status != 200 {
            assert!(!rest.contains("HTTP/1.1 "), "{line} {headers}: {answer}");
        }
    }
}

/// What is being answered when the server is told to stop gets its answer; nothing new is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_requests_end() {
    let server = start(Limits::PUBLIC).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    let busy = tokio::spawn(async move { exchange(&mut busy, &request("/slow")).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.stop.cancel();
    assert!(busy.await.unwrap().ends_with("late"));
    tokio::time::timeout(Duration::from_secs(1), server.done)
        .await
        .expect("it still runs")
        .unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_ever() {
    let server = start(Limits::PUBLIC).await;
    let mut endless = TcpStream::connect(server.address).await.unwrap();
    let endless = tokio::spawn(async move { exchange(&mut endless, &request("/endless")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(4), server.done)
        .await
        .expect("it still runs")
        .unwrap();
    assert_eq!(endless.await.unwrap(), "");
}

/// What had arrived when the signal came is answered, even if nobody had looked at it.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_has_arrived() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = start(Limits::PUBLIC).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request("/").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    server.stop.cancel();
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_file_has_its_rights_and_replaces_an_abandoned_one() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("public.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "nothing to replace");
    let owner = std::fs::metadata(folder.path()).unwrap().uid();
    let rights = SocketRights {
        owner: owner.to_string(),
        group: String::new(),
        mode: 0o600,
    };
    let address = Address::new(&format!("unix:{}", path.display()), 4433, rights);
    let listener = Listener::bind(&address, None).await.unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        Listener::bind(&address, None).await.is_err(),
        "a socket in use was taken over"
    );
    let stop = CancellationToken::new();
    let done = tokio::spawn(serve(
        listener,
        QUICK,
        routes(),
        stop.clone(),
        Duration::from_secs(1),
    ));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    assert!(
        exchange(&mut stream, &request("/peer"))
            .await
            .ends_with("@ false")
    );
    stop.cancel();
    done.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_owner_of_a_socket_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let rights = SocketRights {
        owner: "nobody-of-this-name".into(),
        group: String::new(),
        mode: 0o755,
    };
    let error = Listener::bind(&Address::Unix { path, rights }, None)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("nobody-of-this-name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_speaks_both_versions_of_http() {
    let (certificate, key) = (
        include_str!("../fixtures/tls/cert.pem"),
        include_str!("../fixtures/tls/key.pem"),
    );
    let base64 =
        |text: &str| Pem::Base64(Secret::new(data_encoding::BASE64.encode(text.as_bytes())));
    let config = tls_config(&base64(certificate), &base64(key)).unwrap();
    let listener = Listener::bind(&tcp(), Some(config)).await.unwrap();
    let address = listener.socket_address().unwrap();
    let stop = CancellationToken::new();
    let done = tokio::spawn(serve(
        listener,
        Limits::PUBLIC,
        routes(),
        stop.clone(),
        Duration::from_secs(1),
    ));
    for http2 in [false, true] {
        let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([trusted])
            .resolve("localhost", address);
        let client = if http2 { client } else { client.http1_only() }
            .build()
            .unwrap();
        let answer = client
            .get(format!("https://localhost:{}/peer", address.port()))
            .send()
            .await
            .unwrap();
        let expected = if http2 {
            reqwest::Version::HTTP_2
        } else {
            reqwest::Version::HTTP_11
        };
        assert_eq!(answer.version(), expected);
        assert!(answer.text().await.unwrap().ends_with(" true"));
    }
    // Somebody who speaks no TLS gets nothing and harms nobody.
    let mut plain = TcpStream::connect(address).await.unwrap();
    assert!(
        !exchange(&mut plain, &request("/"))
            .await
            .starts_with("HTTP")
    );
    stop.cancel();
    done.await.unwrap();
}

#[test]
fn a_key_that_does_not_belong_is_refused() {
    let file = |name: &str| {
        Pem::File(format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR")).into())
    };
    assert!(tls_config(&file("cert.pem"), &file("key.pem")).is_ok());
    for (certificate, key) in [
        ("cert.pem", "other-key.pem"),
        ("key.pem", "key.pem"),
        ("cert.pem", "missing.pem"),
    ] {
        assert!(
            tls_config(&file(certificate), &file(key)).is_err(),
            "{certificate} {key}"
        );
    }
}
