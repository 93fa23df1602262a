//! `kratos jsonnet`, hidden: what the reference runs its own Jsonnet in, and other programs may call (config-cli.md §4.9).
//!
//! It takes orders as the reference writes them, and has them done by the child processes that a server uses. A Jsonnet
//! that loops or asks for too much costs its own answer and no other.
use crate::cli::{print, remote::block_on};
use crate::jsonnet::{Given, JsonnetError, JsonnetPool};
use anyhow::Context as _;
use clap::Parser;
use serde::Deserialize;
use std::io::{BufRead, Read as _, Write as _, stdin};

/// Bytes of an order; what a child takes at most, and some for the escapes of JSON.
const LONGEST: u64 = 16 << 20;

/// Run Jsonnet
///
/// Reads a JSON object with the keys `Snippet`, `TLACodes`, `TLAVars`, `ExtCodes` and `ExtVars`, the last four lists of
/// objects with `Key` and `Value`, and writes what the snippet gives.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "jsonnet", bin_name = "kratos jsonnet", max_term_width = 100)]
pub struct EvaluateArgs {
    /// Read several with null bytes between, and write a null byte behind each answer; an answer that begins with
    /// `ERROR: ` is none
    #[arg(short = '0', long)]
    null: bool,
}

/// As Go's decoder takes it: a list may be null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Order {
    #[serde(default)]
    snippet: Option<String>,
    #[serde(default, rename = "TLACodes")]
    tla_codes: Option<Vec<Pair>>,
    #[serde(default, rename = "TLAVars")]
    tla_vars: Option<Vec<Pair>>,
    #[serde(default)]
    ext_codes: Option<Vec<Pair>>,
    #[serde(default)]
    ext_vars: Option<Vec<Pair>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

impl EvaluateArgs {
    pub fn run(self) -> anyhow::Result<()> {
        let pool = JsonnetPool::of_this_program();
        let mut input = stdin().lock();
        block_on(async {
            if self.null {
                return answers(&pool, &mut input).await;
            }
            let mut order = vec![];
            (&mut input).take(LONGEST + 1).read_to_end(&mut order)?;
            let text = evaluate(&pool, &order).await?;
            print::out().write_all(text.as_bytes())?;
            Ok(())
        })
    }
}

/// Each answer is written before the next order is read.
async fn answers(pool: &JsonnetPool, input: &mut impl BufRead) -> anyhow::Result<()> {
    let mut out = print::out();
    let mut order = vec![];
    loop {
        order.clear();
        // Bounded, so that whoever writes no null byte does not fill the memory.
        input.take(LONGEST + 1).read_until(0, &mut order)?;
        if order.is_empty() {
            return Ok(());
        }
        if order.len() as u64 > LONGEST {
            anyhow::bail!("an order is longer than {LONGEST} bytes");
        }
        order.pop_if(|last| *last == 0);
        let answer = evaluate(pool, &order).await;
        let answer = answer.unwrap_or_else(|error| format!("ERROR: {error:#}"));
        out.write_all(answer.as_bytes())?;
        out.write_all(b"\0")?;
        out.flush()?;
    }
}

async fn evaluate(pool: &JsonnetPool, order: &[u8]) -> anyhow::Result<String> {
    let order: Order = serde_json::from_slice(order).context("this is no order")?;
    let arguments = together(order.tla_codes, order.tla_vars);
    let external = together(order.ext_codes, order.ext_vars);
    let snippet = order.snippet.unwrap_or_default();
    match pool.evaluate_given(&snippet, arguments, external).await {
        Ok(text) => Ok(text),
        // Callers look for these words.
        Err(JsonnetError::Cancelled) => anyhow::bail!("RUNTIME ERROR: cancel"),
        Err(error) => Err(error.into()),
    }
}

/// Of those with the same name the last one counts; texts come behind codes.
fn together(codes: Option<Vec<Pair>>, texts: Option<Vec<Pair>>) -> Vec<(String, Given)> {
    let codes = codes.unwrap_or_default().into_iter();
    let texts = texts.unwrap_or_default().into_iter();
    let codes = codes.map(|pair| (pair.key, Given::Code(pair.value)));
    let texts = texts.map(|pair| (pair.key, Given::Value(pair.value.into())));
    let mut all: Vec<(String, Given)> = vec![];
    for (name, given) in codes.chain(texts) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = given,
            None => all.push((name, given)),
        }
    }
    all
}
