//! What goes through the pipes between us and a child: JSON behind its length in four bytes.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Read, Write};

/// Bytes that a child is given at most.
pub(super) const MOST_IN: usize = 4 << 20;
/// Bytes of a result at most. The reference has a quarter of it.
pub(super) const MOST_OUT: usize = 1 << 20;
/// A result in its frame: as a JSON string it may be six times as long, and bounds are no place to be stingy.
const MOST_FRAME: usize = 8 << 20;

/// What a child says before anything else.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) sandbox: Sandbox,
}

/// How much of the sandbox the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sandbox {
    Whole,
    /// Of Landlock a part: files are out of reach.
    Part,
    /// No Landlock. The bounds on memory, files and time hold nevertheless.
    None,
}

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order<'a> {
    #[serde(borrow)]
    pub(super) snippet: std::borrow::Cow<'a, str>,
    pub(super) what: What,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// Only whether it can be read.
    Check,
    Run {
        arguments: Vec<(String, Given)>,
        external: Vec<(String, Given)>,
    },
}

/// What a Jsonnet is given under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Given {
    Value(Value),
    /// Jsonnet that makes the value.
    Code(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) result: Outcome,
    /// The child has done its share and ends.
    pub(super) is_last: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// JSON text, or nothing after a check.
    Done(String),
    Cancelled,
    Failed(String),
    TooLarge,
}

/// A whole frame, or nothing if it would be longer than that.
pub(super) fn pack(message: &impl Serialize, most: usize) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).ok()?;
    let length = frame.len() - 4;
    if length > most {
        return None;
    }
    let length = u32::try_from(length).ok()?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Some(frame)
}

/// The length of what follows, if it is bearable.
pub(super) fn length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_be_bytes(head) as usize;
    if length > MOST_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(length)
}

/// For the child, which has nothing else to do meanwhile.
pub(super) fn read(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    from.read_exact(&mut head)?;
    let mut body = vec![0; length(head)?];
    from.read_exact(&mut body)?;
    Ok(body)
}

pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let frame = pack(message, MOST_FRAME).ok_or(io::ErrorKind::InvalidData)?;
    to.write_all(&frame)?;
    to.flush()
}
