import Testing

@testable import Portal

@Suite struct ErrorPagesTests {
    /// Whoever reads the log is not to read a private feed, nor to end a subscription.
    @Test(arguments: [
        ("/feeds/s/Zm9vYmFy.rss", "/feeds"), ("/unsubscribe/Zm9vYmFy", "/unsubscribe"), ("/", "/"), ("", "/"),
        ("//x", "/x"),
    ])
    func logsHoldNoTokens(_ path: String, _ area: String) {
        #expect(ErrorPages.area(path) == area)
    }
}
