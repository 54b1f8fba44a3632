import Storage
import Testing

@testable import Portal

/// Errors are answered in the form that the client reads, and logged without tokens.
@Suite struct ErrorPagesTests {
    /// A reader of the log must not be able to read a private feed or end a subscription.
    @Test(arguments: [
        ("/feeds/s/Zm9vYmFy.rss", "/feeds"), ("/unsubscribe/Zm9vYmFy", "/unsubscribe"), ("/", "/"), ("", "/"),
        ("//x", "/x"),
    ])
    func logsHoldNoTokens(_ path: String, _ area: String) {
        #expect(ErrorPages.area(path) == area)
    }

    @Test(arguments: [
        ("/unsubscribe/x", nil, true), ("/unsubscribe", "application/json", true), ("/bulletins/a/b", nil, true),
        ("/feeds/x", "text/html,*/*", true), ("/feeds/x", "*/*", false), ("/websub", nil, false),
    ])
    func peopleAreAnsweredWithPages(_ path: String, _ accept: String?, _ isPage: Bool) {
        #expect(ErrorPages.isForPerson(path: path, accept: accept) == isPage)
    }

    @Test func aLinkEndsWhatThePersonChose() {
        #expect(Pages.scope(form: "List-Unsubscribe=One-Click", bulletin: 7) == .mail(bulletin: 7))
        #expect(Pages.scope(form: "", bulletin: nil) == .mail(bulletin: nil))
        #expect(Pages.scope(form: "scope=one", bulletin: 7) == .one)
        #expect(Pages.scope(form: "x=y&scope=all", bulletin: 7) == .all)
    }
}
