import Bulletins
import DeliveryEngine
import HTTPPost
import NIOCore
import Storage
import Testing

@testable import WebSub

/// The requests that the hub accepts and rejects, without a store.
struct HubRequestTests {
    private let own = "https://kabar.example"

    private func request(_ body: String) throws(HubFault) -> HubRequest {
        try HubRequest(form: try HubForm(Array(body.utf8)), publicURL: own)
    }

    private func kind(_ body: String) -> HubFault.Kind? {
        do throws(HubFault) {
            _ = try request(body)
            return nil
        } catch {
            return error.kind
        }
    }

    private let good =
        "hub.mode=subscribe&hub.callback=https://a.example/x?y=1&hub.topic=https://kabar.example/feeds/73.71.rss"

    @Test func whatIsNotSaidIsUsual() throws {
        let request = try request(good)
        #expect(request.mode == .subscribe && request.callback == "https://a.example/x?y=1")
        #expect(request.host == "a.example" && request.secret == nil && request.leaseSeconds == 864_000)
        #expect(request.topic.path == "/feeds/73.71.rss")
    }

    @Test func escapesAreRead() throws {
        let request = try request(good + "&hub%2esecret=a+b%26%C3%A9&x&=&hub.lease_seconds=600")
        #expect(request.secret == "a b&é" && request.leaseSeconds == 600)
    }

    @Test func aHostIsOneWhateverItsCase() throws {
        #expect(try request(good.replacing("//a.example", with: "//A.EXAMPLE:443")).host == "a.example")
    }

    @Test(arguments: [
        ("0", 300), ("299", 300), ("300", 300), ("2592001", 2_592_000), ("99999999999999999999", 2_592_000),
    ])
    func aLeaseIsBroughtWithinBounds(text: String, seconds: Int64) throws {
        #expect(try request(good + "&hub.lease_seconds=\(text)").leaseSeconds == seconds)
    }

    @Test func aSecretIsCountedInBytes() {
        #expect(kind(good + "&hub.secret=" + String(repeating: "x", count: 199)) == nil)
        #expect(kind(good + "&hub.secret=" + String(repeating: "x", count: 200)) == .malformed)
        #expect(kind(good + "&hub.secret=" + String(repeating: "%C3%A9", count: 100)) == .malformed)
    }

    @Test(arguments: [
        "", "&", "=", "hub.mode", "%", "%4", "%zz=1", "hub.secret=%FF", "hub.mode=subscribe&hub.mode=subscribe",
        String(repeating: "a&", count: 101),
    ])
    func whatIsNoRequestIsMalformed(body: String) {
        #expect(kind(body) == .malformed)
    }

    /// A letter with a combining mark is another letter, and an address in another spelling is another address.
    @Test(arguments: [
        "/feeds/73.71.rss%CC%81", "/feeds/73.71.RSS", "/feeds//73.71.rss", "/feeds/73.71.rss%00", "/FEEDS/73.71.rss",
        "/feeds/7371.rss", "", "/websub",
    ])
    func onlyAFeedsOwnAddressIsATopic(path: String) {
        #expect(kind(good.replacing("/feeds/73.71.rss", with: path)) == .unknownTopic)
    }

    @Test func noBytesBreakTheForm() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...60)).map { _ in
                "hub.mode=&%+0aF\u{0}\u{ff}".utf8.randomElement(using: &generator) ?? 0
            }
            _ = try? HubForm(bytes)
        }
    }
}

/// The questions to callbacks, and the meaning of their answers.
struct VerificationTests {
    private func verification(
        _ callback: String, _ mode: HubVerification.Mode = .subscribe, attempts: Int = 0, reason: String? = nil
    ) -> HubVerification {
        HubVerification(
            number: 1, mode: mode, callback: callback, host: "a.example", topic: "/feeds/ID.rss", leaseSeconds: 600,
            reason: reason, attempts: attempts)
    }

    private let question =
        "hub.mode=subscribe&hub.topic=https%3A%2F%2Fk.example%2Ffeeds%2FID.rss&hub.challenge=c"
        + "&hub.lease_seconds=600"

    @Test(arguments: [
        ("https://a.example", "/?"), ("https://a.example/x", "/x?"), ("https://a.example/x?", "/x?"),
        ("https://a.example/x?y=%20&", "/x?y=%20&"), ("https://a.example/x?y", "/x?y&"),
        ("https://a.example/x?y#z?", "/x?y&"), ("https://a.example?y", "/?y&"),
    ])
    func parametersComeAfterTheCallbacksOwn(callback: String, beginning: String) throws {
        let target = try CallbackQuestion.target(
            verification(callback), challenge: "c", publicURL: "https://k.example")
        #expect(target.pathAndQuery == beginning + question)
    }

    @Test func aReasonIsEncoded() throws {
        let target = try CallbackQuestion.target(
            verification("https://a.example/", .denied, reason: "a&b=c é"), challenge: "c",
            publicURL: "https://k.example")
        #expect(target.pathAndQuery.hasSuffix("&hub.reason=a%26b%3Dc%20%C3%A9"))
    }

    private func verdict(
        _ answer: VerificationPolicy.Answer, _ mode: HubVerification.Mode = .subscribe, attempts: Int = 0
    ) -> HubVerdict? {
        VerificationPolicy(schedule: .init(pauses: [.seconds(5)])).verdict(
            answer, to: verification("https://a.example/", mode, attempts: attempts), challenge: "c",
            now: Timestamp(milliseconds: 0))
    }

    private func answered(_ status: Int, _ body: String) -> VerificationPolicy.Answer {
        .response(HTTPPostResponse(status: status, body: .init(string: body)))
    }

    @Test(arguments: [(200, "c"), (204, "c"), (299, "c")])
    func theChallengeConfirms(status: Int, body: String) { #expect(verdict(answered(status, body)) == .confirmed) }

    @Test(arguments: [(200, ""), (200, "c\n"), (200, "cc"), (200, "C"), (301, "c"), (404, "c"), (410, "c")])
    func anythingElseIsANo(status: Int, body: String) { #expect(verdict(answered(status, body)) == .dropped) }

    @Test func whatIsOutOfOrderIsAskedAgainAFewTimes() {
        for answer in [answered(500, "c"), answered(429, ""), .error(.timedOut(host: "a.example", stage: .responding))]
        {
            guard case .later(let time) = verdict(answer) else {
                Issue.record("\(answer) is not tried again")
                continue
            }
            #expect((5000...5500).contains(time.milliseconds))
            #expect(verdict(answer, attempts: 1) == .dropped)
        }
    }

    @Test func aRefusedAddressIsNotAskedAgainAndACutQuestionStays() {
        #expect(verdict(.error(.addressRefused(host: "a", address: "10.0.0.1", reason: "private"))) == .dropped)
        #expect(verdict(.error(.cancelled)) == nil)
    }

    @Test func whoIsToldNoNeedNotAnswer() { #expect(verdict(answered(200, "c"), .denied) == .dropped) }

    /// The vector is test case 2 of RFC 4231.
    @Test func theSignatureIsThatOfOthers() {
        #expect(
            HubSignature.header(secret: "Jefe", body: Array("what do ya want for nothing?".utf8))
                == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
