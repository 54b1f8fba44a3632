import AMQP
import Bulletins
import Foundation
import Storage
import Testing

@testable import Intake

/// Messages become bulletins or rejections, by their bodies, headers and users.
struct MessageJudgeTests {
    private let body = Array(
        """
        {"id":"a","kind":"announcement","publisher":"uji","title":"T","body":"B","regions":["73"],"fields":["kesehatan"]}
        """.utf8)
    private let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private let publisher = Publisher(
        slug: "uji", name: "Uji", amqpUser: "uji-user",
        scope: .init(kinds: [.announcement], regions: [.country]))

    private static let judge = Result {
        func bytes(_ name: String) throws -> [UInt8] {
            Array(
                try Data(
                    contentsOf: URL(filePath: #filePath).appending(path: "../../../config/data/\(name)").standardized))
        }
        return MessageJudge(
            registries: Registries(
                regions: try RegionTree(csv: bytes("regions.csv")),
                successors: try RegionSuccessors(csv: bytes("region-successors.csv")),
                timeZones: try TimeZones(csv: bytes("timezones.csv")),
                fields: try FieldRegistry(csv: bytes("fields.csv"))),
            requiresUser: true)
    }

    private func outcome(_ properties: MessageProperties, body: [UInt8]? = nil, size: UInt64? = nil) throws
        -> IncomingBulletin
    {
        let body = body ?? self.body
        let message = IncomingMessage(
            delivery: .init(
                tag: 1, redelivered: false, exchange: "kentongan.intake", routingKey: "announcement.uji"),
            properties: properties, bodySize: size ?? UInt64(body.count), body: body)
        let judge = try Self.judge.get()
        return judge.judge(
            judge.open(message), publisher: publisher, queue: "kentongan.announcements",
            now: Timestamp(milliseconds: 0))
    }

    @Test(arguments: [
        ("emergency.uji", "kentongan.emergency", "", true), ("emergency.uji", "kentongan.announcements", "", true),
        ("kentongan.emergency", "kentongan.emergency", "", true),
        ("emergency.uji", "kentongan.emergency", #""urgency":"important","#, true),
        ("emergency.uji", "kentongan.emergency", #""urgency":"emergency","#, false),
        ("announcement.uji", "kentongan.announcements", #""urgency":"emergency","#, false),
        ("emergency.uji", "kentongan.emergency", #""status":"withdrawn","#, false),
        ("announcement.uji", "kentongan.announcements", "", false),
    ])
    func onlyEmergenciesTakeTheirLane(key: String, queue: String, member: String, isRejected: Bool) throws {
        let text = String(decoding: body, as: UTF8.self).replacing("{", with: "{" + member)
        var publisher = publisher
        publisher.scope.mayPublishEmergencies = true
        let message = IncomingMessage(
            delivery: .init(tag: 1, redelivered: false, exchange: "kentongan.intake", routingKey: key),
            properties: MessageProperties(userID: "uji-user"), bodySize: UInt64(text.utf8.count),
            body: Array(text.utf8))
        let judge = try Self.judge.get()
        let incoming = judge.judge(
            judge.open(message), publisher: publisher, queue: queue, now: Timestamp(milliseconds: 0))
        #expect(reason(incoming) == (isRejected ? .outOfScope : nil), "\(incoming.judgement)")
    }

    private func reason(_ incoming: IncomingBulletin) -> RejectionReason? {
        if case .rejected(let rejection) = incoming.judgement { rejection.reason } else { nil }
    }

    @Test func aGoodMessageIsAcceptedWithWhatItCarried() throws {
        var properties = MessageProperties(
            headers: ["traceparent": .string(trace), "number": .integer(3)], correlationID: "c", userID: "uji-user")
        properties.replyTo = "receipts.uji-user"
        let incoming = try outcome(properties)
        guard case .accepted(let accepted) = incoming.judgement else { return #expect(Bool(false), "\(incoming)") }
        #expect(accepted.bulletin.id == BulletinID(publisher: "uji", id: "a"))
        #expect(
            incoming.replyTo == "receipts.uji-user" && incoming.correlationID == "c" && incoming.traceparent == trace)
        #expect(incoming.envelope.headers == ["traceparent": trace])
        #expect(incoming.body == body, "a store that refuses it as stale keeps it")
    }

    /// Invalid traces and headers of any size would otherwise travel on into other messages.
    @Test func headersAreBounded() throws {
        let long = String(repeating: "x", count: 120_000)
        #expect(
            try outcome(MessageProperties(headers: ["traceparent": .string(long)], userID: "uji-user")).traceparent
                == nil)
        let many = MessageProperties(
            headers: ["traceparent": .string(trace), "ce-id": "a", "besar": .string(long)], userID: "uji-user")
        #expect(try outcome(many).envelope.headers == ["traceparent": trace, "ce-id": "a"])
    }

    @Test(arguments: [nil, "lain"] as [String?])
    func nobodySpeaksForAnother(user: String?) throws {
        #expect(reason(try outcome(MessageProperties(userID: user))) == .publisherMismatch)
    }

    @Test func whatIsTooLargeIsRejectedWithoutItsBody() throws {
        let incoming = try outcome(MessageProperties(userID: "uji-user"), body: [], size: 300_000)
        #expect(reason(incoming) == .tooLarge && incoming.body.isEmpty && incoming.size == 300_000)
    }

    @Test func whatIsRejectedKeepsItsBytesAndNames() throws {
        let broken = Array(String(decoding: body, as: UTF8.self).replacing("\"73\"", with: "\"99\"").utf8)
        let incoming = try outcome(MessageProperties(userID: "uji-user"), body: broken)
        #expect(reason(incoming) == .unknownRegion && incoming.body == broken)
        #expect(incoming.claimedID == BulletinID(publisher: "uji", id: "a"))
    }

    @Test(arguments: ["{", "[]", "\u{0}", ""])
    func whatIsNoBulletinIsRejected(text: String) throws {
        let incoming = try outcome(MessageProperties(userID: "uji-user"), body: Array(text.utf8))
        #expect(reason(incoming) != nil && incoming.claimedID == nil)
    }

    /// A rejected message that an operator requeues is judged as it was when it arrived.
    @Test func whatTheStoreKeptIsJudgedAsTheMessageWas() throws {
        let incoming = try outcome(MessageProperties(contentType: "application/json", userID: "lain"))
        let judge = try Self.judge.get()
        let again = judge.open(incoming.body, size: incoming.size, incoming.envelope)
        var other = publisher
        other.amqpUser = "lain"
        let judged = judge.judge(again, publisher: other, queue: incoming.queue, now: Timestamp(milliseconds: 0))
        #expect(reason(judged) == nil)
    }
}
