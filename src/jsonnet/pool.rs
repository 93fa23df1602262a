//! The children: lent out one evaluation at a time, killed when they are late, reaped whatever happens.
use super::frame::{self, Answer, Given, Hello, MOST_IN, Order, Outcome, Sandbox, What};
use super::{COMMAND, Evaluation, JsonnetError};
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// For one evaluation. The reference has one second, on machines that have nothing else to do.
const DEADLINE: Duration = Duration::from_secs(2);
/// Until a child says that it is there.
const START: Duration = Duration::from_secs(10);
/// So long one waits for a child that has nothing to do.
const PATIENCE: Duration = Duration::from_secs(10);
/// More do not wait.
const MOST_WAITING: usize = 1000;

/// Cheap to clone; clones share the children.
#[derive(Clone, Debug)]
pub struct JsonnetPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    room: Semaphore,
    waiting: AtomicUsize,
    idle: Mutex<Vec<Child>>,
    /// The sandbox is told of once.
    is_told: AtomicBool,
}

/// A child that has said hello. Dropped, it is killed.
#[derive(Debug)]
struct Child {
    input: ChildStdin,
    output: ChildStdout,
    _life: oneshot::Sender<()>,
}

/// One of those that wait.
struct Waiting<'p>(&'p AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl JsonnetPool {
    /// Children are started from that program, which is this one or another with its command [`COMMAND`].
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        // One alone could be kept busy by a single bad Jsonnet.
        let room = Semaphore::new(processors.clamp(2, 64));
        Self(Arc::new(Inner {
            program,
            room,
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
            is_told: AtomicBool::new(false),
        }))
    }

    /// The pool of the program that runs. Where the system has it, by the file that is running, which stays the same if
    /// the program is replaced on the disk meanwhile. Where nothing can be found out about it, as in an empty root, there
    /// are no children: what needs a Jsonnet fails then, and nothing else.
    #[must_use]
    pub fn of_this_program() -> Self {
        let running = PathBuf::from("/proc/self/exe");
        if cfg!(target_os = "linux") && running.exists() {
            return Self::new(running);
        }
        Self::new(std::env::current_exe().unwrap_or(running))
    }

    /// The result as JSON text, spelt as the reference spells it, with a line break at its end.
    ///
    /// # Errors
    /// All that [`JsonnetError`] tells of.
    pub async fn evaluate(&self, evaluation: &Evaluation<'_>) -> Result<String, JsonnetError> {
        let own = |given: &[(&str, &serde_json::Value)]| {
            let pairs = given.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), Given::Value((*value).clone())))
                .collect()
        };
        let (arguments, external) = (own(evaluation.arguments), own(evaluation.external));
        self.evaluate_given(evaluation.snippet, arguments, external)
            .await
    }

    /// The same, where something that is given may be Jsonnet itself. No name may stand twice in a list.
    ///
    /// # Errors
    /// All that [`JsonnetError`] tells of.
    pub async fn evaluate_given(
        &self,
        snippet: &str,
        arguments: Vec<(String, Given)>,
        external: Vec<(String, Given)>,
    ) -> Result<String, JsonnetError> {
        let what = What::Run {
            arguments,
            external,
        };
        self.ask(snippet, what).await
    }

    /// Whether it can be read. It is not run.
    ///
    /// # Errors
    /// All that [`JsonnetError`] tells of.
    pub async fn check(&self, snippet: &str) -> Result<Vec<String>, JsonnetError> {
        let slips = self.ask(snippet, What::Check).await?;
        Ok(slips.lines().map(str::to_owned).collect())
    }

    async fn ask(&self, snippet: &str, what: What) -> Result<String, JsonnetError> {
        let snippet = Cow::Borrowed(snippet);
        let order = frame::pack(&Order { snippet, what }, MOST_IN);
        let order = order.ok_or(JsonnetError::InputTooLarge)?;
        let inner = &self.0;
        let _permit = inner.enter().await?;
        let answer = match inner.kept() {
            // It may have died while it waited, by whosever hand: then it is not the Jsonnet's fault.
            Some(child) => match inner.lend(child, &order).await {
                Err(JsonnetError::Died) => inner.lend_new(&order).await?,
                answer => answer?,
            },
            None => inner.lend_new(&order).await?,
        };
        match answer {
            Outcome::Done(text) => Ok(text),
            Outcome::Cancelled => Err(JsonnetError::Cancelled),
            Outcome::Failed(text) => Err(JsonnetError::Failed(text)),
            Outcome::TooLarge => Err(JsonnetError::OutputTooLarge),
        }
    }
}

impl Inner {
    async fn enter(&self) -> Result<tokio::sync::SemaphorePermit<'_>, JsonnetError> {
        let others = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if others >= MOST_WAITING {
            return Err(JsonnetError::Busy);
        }
        match timeout(PATIENCE, self.room.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(JsonnetError::Busy),
        }
    }

    fn kept(&self) -> Option<Child> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    async fn lend_new(&self, order: &[u8]) -> Result<Outcome, JsonnetError> {
        let child = self.start().await.map_err(JsonnetError::Unavailable)?;
        self.lend(child, order).await
    }

    async fn lend(&self, mut child: Child, order: &[u8]) -> Result<Outcome, JsonnetError> {
        let answer = timeout(DEADLINE, child.talk(order)).await;
        let Ok(answer) = answer else {
            tracing::warn!("a Jsonnet ran for too long: its process is ended");
            return Err(JsonnetError::TimedOut);
        };
        let answer = answer.map_err(|_| JsonnetError::Died)?;
        if !answer.is_last {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(child);
        }
        Ok(answer.result)
    }

    async fn start(&self) -> Result<Child, io::ErrorKind> {
        let child = Command::new(&self.program)
            .arg(COMMAND)
            .env_clear()
            // The allocator would take more room at once than the child is given.
            .env("MIMALLOC_ARENA_RESERVE", "16MiB")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What is typed at the terminal to stop us does not stop what we still need.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut process = child.map_err(|error| error.kind())?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe);
        };
        let (life, end) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                _ = process.wait() => {}
                // Nobody sends anything: the other end is dropped.
                _ = end => {
                    let _ = process.kill().await;
                }
            }
        });
        let mut child = Child {
            input,
            output,
            _life: life,
        };
        let hello = timeout(START, child.read::<Hello>()).await;
        let hello = hello.map_err(|_| io::ErrorKind::TimedOut)?;
        let hello = hello.map_err(|error| error.kind())?;
        if !self.is_told.swap(true, Ordering::Relaxed) {
            match hello.sandbox {
                Sandbox::Whole => {
                    tracing::debug!("Jsonnet runs in a process without files and network");
                }
                Sandbox::Part => tracing::debug!(
                    "Jsonnet runs in a process without files; this kernel's Landlock knows no more"
                ),
                Sandbox::None => tracing::warn!(
                    "this kernel has no Landlock: Jsonnet runs in a process of its own, with bounds, but nothing more \
                     keeps it from files"
                ),
            }
        }
        Ok(child)
    }
}

impl Child {
    async fn talk(&mut self, order: &[u8]) -> io::Result<Answer> {
        self.input.write_all(order).await?;
        self.input.flush().await?;
        self.read().await
    }

    async fn read<T: serde::de::DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut head = [0; 4];
        self.output.read_exact(&mut head).await?;
        let mut body = vec![0; frame::length(head)?];
        self.output.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}
