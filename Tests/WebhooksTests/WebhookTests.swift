import Bulletins
import DeliveryEngine
import HTTPPost
import NIOCore
import Testing

@testable import Webhooks

struct WebhookTests {
    /// The example of the Standard Webhooks specification.
    @Test func theSignatureIsThatOfTheSpecification() throws {
        let signature = try #require(WebhookSignature(secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let body = Array(#"{"test": 2432232314}"#.utf8)
        let signed = signature.sign(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: body)
        #expect(signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(
            signature.verifies(
                "v1a,xx \(signed)", id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: body))
        #expect(!signature.verifies(signed, id: "other", timestamp: 1_614_265_330, body: body))
    }

    @Test(arguments: [
        "", "whsec_", "whsec_QUJD", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, really not",
    ])
    func otherTextsAreNoSecrets(secret: String) { #expect(WebhookSignature(secret: secret) == nil) }

    @Test(
        arguments: [
            ("120", 120), ("0", nil), ("-5", nil), ("99999999999", 86_400), ("nonsense", nil), ("", nil),
            ("Thu, 01 Jan 1970 00:02:00 GMT", 20), ("Thu, 01 Jan 1970 00:00:00 GMT", nil),
            ("Thu, 01 Jan 2070 00:00:00 GMT", 86_400),
        ] as [(String, Int64?)])
    func retryAfterIsSecondsOrADate(text: String, seconds: Int64?) {
        #expect(RetryAfter.duration(text, now: 100) == seconds.map { .seconds($0) })
    }

    @Test(
        arguments: [
            (200, .delivered), (204, .delivered), (301, .retry(after: nil)), (404, .retry(after: nil)),
            (410, .endpointGone),
            (500, .retry(after: nil)),
        ] as [(Int, AttemptOutcome.Verdict)])
    func statusesHaveTheirVerdict(status: Int, verdict: AttemptOutcome.Verdict) {
        let outcome = WebhookFailurePolicy.outcome(of: HTTPPostResponse(status: status), now: 0)
        #expect(outcome.verdict == verdict && outcome.code == "\(status)")
    }

    @Test func aBusyReceiverIsWaitedFor() {
        let outcome = WebhookFailurePolicy.outcome(of: HTTPPostResponse(status: 429, retryAfter: "60"), now: 0)
        #expect(outcome.verdict == .retry(after: .seconds(60)))
    }
}
