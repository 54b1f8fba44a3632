import Bulletins
import Crypto
import DeliveryEngine
import HTTPPost
import NIOCore
import Storage
import Testing

@testable import Webhooks

private let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"

private struct Keys: WebhookKeyStore {
    func webhookKey(endpoint: Int64, version: Int64) -> [UInt8] {
        Array(String(repeating: version == 1 ? "ABC" : "DEF", count: 8).utf8)
    }

    func webhookSecret(endpoint: Int64, version: Int64) -> String {
        "whsec_" + String(repeating: version == 1 ? "QUJD" : "REVG", count: 8)
    }

    func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8] { [UInt8](repeating: UInt8(version), count: 32) }
}

struct WebhookTests {
    let body = ByteBuffer(string: #"{"test": 2432232314}"#)

    /// The example of the Standard Webhooks specification.
    @Test func theSignatureIsThatOfTheSpecification() throws {
        let signature = try #require(WebhookSignature(secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let signed = try #require(signature.sign(id: id, timestamp: 1_614_265_330, body: body))
        #expect(signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(signature.verifies("v1a,xx \(signed)", id: id, timestamp: 1_614_265_330, body: body))
        #expect(!signature.verifies(signed, id: "other", timestamp: 1_614_265_330, body: body))
        #expect(!signature.verifies("v1a" + signed.dropFirst(2), id: id, timestamp: 1_614_265_330, body: body))
    }

    /// Test 1 of RFC 8032 section 7.1 gives both halves of the key.
    @Test func ed25519IsVerifiedByThePublicKey() throws {
        let seed: [UInt8] = [
            0x9D, 0x61, 0xB1, 0x9D, 0xEF, 0xFD, 0x5A, 0x60, 0xBA, 0x84, 0x4A, 0xF4, 0x92, 0xEC, 0x2C, 0xC4, 0x44, 0x49,
            0xC5, 0x69, 0x7B, 0x32, 0x69, 0x19, 0x70, 0x3B, 0xAC, 0x03, 0x1C, 0xAE, 0x7F, 0x60,
        ]
        let sender = try #require(WebhookSignature(seed: seed))
        let receiver = try #require(
            WebhookSignature(publicKey: "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))
        let signed = try #require(sender.sign(id: id, timestamp: 7, body: body))
        #expect(signed.hasPrefix("v1a,"))
        #expect(receiver.verifies("v1,QUJD \(signed)", id: id, timestamp: 7, body: body))
        #expect(!receiver.verifies(signed, id: id, timestamp: 8, body: body))
        #expect(receiver.sign(id: id, timestamp: 7, body: body) == nil)
    }

    @Test(arguments: [
        "", "whsec_", "whsec_QUJD", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, really not",
    ])
    func otherTextsAreNoKeys(text: String) {
        #expect(WebhookSignature(secret: text) == nil)
        #expect(WebhookSignature(publicKey: text.replacing("whsec_", with: "whpk_")) == nil)
    }

    @Test(
        arguments: [
            (.hmac, nil, ["v1"]), (.ed25519, nil, ["v1a"]), ([.hmac, .ed25519], nil, ["v1", "v1a"]),
            (.hmac, 1, ["v1", "v1"]), ([.hmac, .ed25519], 1, ["v1", "v1a", "v1", "v1a"]),
        ] as [(SignatureSchemes, Int64?, [String])])
    func everyKeyThatCountsSigns(schemes: SignatureSchemes, previous: Int64?, versions: [String]) throws {
        let signing = WebhookSigning(endpoint: 3, version: 2, previous: previous, schemes: schemes)
        let header = WebhookSigner(signing, keys: Keys()).sign(id: id, timestamp: 7, body: body)
        #expect(header.split(separator: " ").map { String($0.prefix { $0 != "," }) } == versions)
        for version in signing.versions where schemes.contains(.hmac) {
            let key = try #require(WebhookSignature(secret: Keys().webhookSecret(endpoint: 3, version: version)))
            #expect(key.verifies(header, id: id, timestamp: 7, body: body))
        }
    }

    /// Compares with the crypto library, for secrets of every length and contents around the block size of the hash.
    @Test(arguments: [24, 32, 63, 64])
    func theCodeIsThatOfTheLibrary(length: Int) {
        let key = (0..<length).map { UInt8($0 * 7 & 0xFF) }
        for size in [0, 1, 55, 56, 63, 64, 65, 2048] {
            let content = [UInt8](repeating: UInt8(size & 0xFF), count: size)
            let expected = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: key))
            #expect(Array(PreparedHMAC(key: key).code(of: content)) == Array(expected))
        }
    }

    @Test(
        arguments: [
            ([], ""), ([0], "AA=="), ([0, 1], "AAE="), ([0xFF, 0xEF, 0xBE], "/+++"),
            (Array("any carnal".utf8), "YW55IGNhcm5hbA=="),
        ] as [([UInt8], String)])
    func base64IsThatOfTheRFC(bytes: [UInt8], text: String) {
        #expect(bytes.withUnsafeBytes { Base64.text($0) } == text)
    }

    @Test(
        arguments: [
            ("120", 120), ("0", nil), ("-5", nil), ("99999999999", 86_400), ("nonsense", nil), ("", nil),
            ("99999999999999999999999", 86_400),
            ("Thu, 01 Jan 1970 00:02:00 GMT", 20), ("Thu, 01 Jan 1970 00:00:00 GMT", nil),
            ("Thu, 01 Jan 2070 00:00:00 GMT", 86_400), ("Thursday, 01-Jan-70 00:02:00 GMT", 20),
            ("Thu Jan  1 00:02:00 1970", 20), (" 120 ", 120), ("Thursday, 01-Jan-20 00:00:00 GMT", 86_400),
            ("Thursday, 01-Jan-21 00:00:00 GMT", nil), ("Thu, 32 Jan 1970 00:02:00 GMT", nil),
            ("Thu, 01 Jan 1970 00:02:00 UTC", nil), ("Thu Jan 1 00:02 1970", nil), ("1.5", nil),
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

    /// A stranger's control characters must not reach a terminal or a log.
    @Test(arguments: [
        ("a\u{1B}[2Jb", "a\\u{1B}[2Jb"), ("x\r\nforged", "x\\u{D}\\u{A}forged"),
        ("\u{7}\u{0}\u{9B}", "\\u{7}\\u{0}\\u{9B}"),
        ("\u{202E}x\u{2028}", "\\u{202E}x\\u{2028}"), ("Rusak é 字 \\", "Rusak é 字 \\"),
    ])
    func anAnswerIsKeptAsPrintableText(text: String, shown: String) {
        let response = HTTPPostResponse(status: 500, body: ByteBuffer(string: text))
        #expect(WebhookFailurePolicy.outcome(of: response, now: 0).detail == "answered 500: \(shown)")
    }

    @Test(arguments: [(429, true), (502, true), (503, true), (504, true), (500, false), (404, false), (301, false)])
    func aBusyReceiverIsWaitedFor(status: Int, rests: Bool) {
        let outcome = WebhookFailurePolicy.outcome(of: HTTPPostResponse(status: status, retryAfter: "60"), now: 0)
        #expect(outcome.verdict == .retry(after: .seconds(60)))
        #expect(outcome.rest == (rests ? .seconds(60) : nil))
    }
}
