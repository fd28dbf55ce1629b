//! Help and error texts, word for word. `TRYCMD=overwrite` writes them anew.

#[test]
fn help_and_errors_read_as_agreed() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd").env("HOME", "/home/someone");
}
