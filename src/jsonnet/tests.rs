//! The evaluation itself, without children.
use super::frame::{Given, Order, Outcome, What};
use super::run::run;
use serde_json::{Value, json};

fn with(snippet: &str, arguments: &[(&str, Value)], external: &[(&str, Value)]) -> Outcome {
    let own = |given: &[(&str, Value)]| {
        let pairs = given.iter();
        pairs
            .map(|(k, v)| ((*k).to_owned(), Given::Value(v.clone())))
            .collect()
    };
    run(&Order {
        snippet: snippet.into(),
        what: What::Run {
            arguments: own(arguments),
            external: own(external),
        },
    })
}

fn plain(snippet: &str) -> Outcome {
    with(snippet, &[], &[])
}

fn failed(snippet: &str) -> String {
    match with(snippet, &[("ctx", json!({ "code": "123456" }))], &[]) {
        Outcome::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn results_are_spelt_as_the_reference_spells_them() {
    let text = "{\n   \"B\": [\n      1,\n      2.5,\n      1000000000000000000000\n   ],\n   \"a\": {\n      \"x\": { },\n      \
                \"y\": [ ]\n   },\n   \"b\": \"\\\"<é>\\u007f\\n\"\n}\n";
    assert_eq!(
        plain(r#"{ b: "\"<é>\u007f\n", a: { y: [], x: {}, z:: 1 }, B: [1.0, 2.5, 1e21] }"#),
        Outcome::Done(text.to_owned())
    );
}

#[test]
fn arguments_and_external_variables_arrive() {
    let ctx = json!({ "to": "a@example.org", "n": 60.0, "none": null, "list": [true, 1.5] });
    let snippet = "function(ctx) [ctx.to, ctx.n, ctx.none, ctx.list, std.extVar('claims').sub]";
    let claims = json!({ "sub": "7" });
    let outcome = with(snippet, &[("ctx", ctx.clone())], &[("claims", claims)]);
    let Outcome::Done(text) = outcome else {
        panic!("{outcome:?}");
    };
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value, json!(["a@example.org", 60, null, [true, 1.5], "7"]));
    // What is no function needs no arguments.
    assert_eq!(
        with("1", &[("ctx", ctx)], &[]),
        Outcome::Done("1\n".to_owned())
    );
}

#[test]
fn what_is_given_may_be_jsonnet() {
    let given = |snippet: &str, code: &str| {
        let code = || vec![("a".to_owned(), Given::Code(code.to_owned()))];
        run(&Order {
            snippet: snippet.into(),
            what: What::Run {
                arguments: code(),
                external: code(),
            },
        })
    };
    let done = |text: &str| Outcome::Done(text.to_owned());
    let three = given("function(a) a.b + std.extVar('a').b", "{ b: 1.5 }");
    assert_eq!(three, done("3\n"));
    // What nobody asks for is not run, but has to be readable.
    assert_eq!(given("function(a, b=1) b", "error 'no'"), done("1\n"));
    for code in ["{", "import 'x'"] {
        let outcome = given("function(a) a", code);
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }
    // A function is called even if it gets nothing.
    assert_eq!(plain("function(a=1) a"), done("1\n"));
}

#[test]
fn cancelling_is_no_failure() {
    assert_eq!(plain("error 'cancel'"), Outcome::Cancelled);
    let nested = "function(ctx) { a: if true then error 'cancel' }";
    assert_eq!(with(nested, &[("ctx", json!({}))], &[]), Outcome::Cancelled);
}

#[test]
fn complaints_have_a_place_and_no_data() {
    for (snippet, text) in [
        (
            "function(ctx) {",
            "line 1, column 16: the Jsonnet ends where it cannot end",
        ),
        (
            "{\n  a: nobody,\n}",
            "line 2, column 6: there is no variable `nobody`",
        ),
        (
            "function(ctx)\n  { 'é': ctx.missing }",
            "line 2, column 10: there is no field `missing`",
        ),
        (
            "function(ctx) error 'no address'",
            "line 1, column 15: the Jsonnet stopped itself with an error `no address`",
        ),
        (
            "function(ctx) error 'bad: ' + ctx.code",
            "line 1, column 15: the Jsonnet stopped itself with an error",
        ),
        (
            "function(ctx) ctx[ctx.code]",
            "line 1, column 15: there is no field",
        ),
        (
            "function(ctx) import '/etc/passwd'",
            "line 1, column 15: nothing can be imported here",
        ),
        (
            "function(ctx) importstr 'x'",
            "line 1, column 15: nothing can be imported here",
        ),
        ("function(other) 1", "the function has no parameter `ctx`"),
        (
            "function(ctx) function(x) x",
            "the result holds a function, which JSON has not",
        ),
        (
            "function(ctx) std.parseJson(ctx.code + '{')",
            "a function of the library was given what it cannot take",
        ),
        (
            "'\\q'",
            "line 1, column 2: this means nothing behind a backslash",
        ),
    ] {
        let told = failed(snippet);
        assert!(told.ends_with(text), "{snippet}: {told}");
        assert!(!told.contains("123456"), "{snippet}: {told}");
    }
}

#[test]
fn recursion_without_end_is_an_error() {
    for snippet in [
        "local f(x) = f(x) + 1; f(1)",
        "local a = a; a",
        "{ a: self.a }",
    ] {
        let told = failed(snippet);
        let expected = ["calls are nested too deeply", "a value needs itself"];
        assert!(expected.iter().any(|text| told.ends_with(text)), "{told}");
    }
    // What the reference's 500 calls allow, is allowed here.
    let deep = "local f(x) = if x == 0 then 0 else 1 + f(x - 1); f(400)";
    assert_eq!(plain(deep), Outcome::Done("400\n".to_owned()));
}

#[test]
fn results_are_bounded() {
    assert_eq!(plain("std.repeat('x', 2000000)"), Outcome::TooLarge);
    let nested = "std.foldl(function(a, i) [a], std.range(1, 600), 1)";
    assert_eq!(failed(nested), "the result is nested too deeply");
}

#[test]
fn a_check_reads_and_does_not_run() {
    let check = |snippet: &str| {
        run(&Order {
            snippet: snippet.into(),
            what: What::Check,
        })
    };
    assert_eq!(check("error 'x'"), Outcome::Done(String::new()));
    assert!(matches!(check("function(ctx) {"), Outcome::Failed(_)));
    for word in ["import", "importstr", "importbin"] {
        let snippet =
            format!("function(ctx) {{\n  a: if false then {word} '/etc/passwd' else 1,\n}}");
        let text = "line 2, column 20: nothing can be imported here";
        assert_eq!(check(&snippet), Outcome::Failed(text.to_owned()));
    }
    // The word alone is none.
    let fine = "function(ctx) { /* import 'x' */ imports: 'import \"x\"' }";
    assert_eq!(check(fine), Outcome::Done(String::new()));
}
