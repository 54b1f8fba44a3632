package import AMQP
package import Bulletins
import Foundation
import Intake

/// A bulletin that is to be published, as its publisher wrote it.
package struct PublishedBulletin: Sendable {
    /// Its line in the file, counted from 1.
    package let line: Int
    private let bytes: [UInt8]
    private let value: JSONValue?

    package init(line: Int, bytes: [UInt8]) {
        (self.line, self.bytes) = (line, bytes)
        value = try? JSONParser.parse(bytes)
    }

    /// A CloudEvent is known by its `specversion`, which no bulletin has.
    private var contentType: String {
        value?["specversion"] == nil ? "application/json" : "application/cloudevents+json"
    }

    /// The bulletin itself, taken out of its event if there is one; nil if intake cannot read it either.
    package var bulletin: JSONValue? {
        let envelope = MessageEnvelope(contentType: contentType, contentEncoding: nil, headers: [:])
        return try? envelope.open(bytes).get()
    }

    /// `PUBLISHER/ID` as far as it can be read, for people.
    package var name: String {
        guard let bulletin, let id = bulletin["id"]?.stringValue else { return "line \(line)" }
        return "\(bulletin["publisher"]?.stringValue ?? "?")/\(id)"
    }

    /// The message as publishers send it.
    package func message(user: String?, replyTo: String?) -> OutgoingMessage {
        let bulletin = bulletin
        let publisher = bulletin?["publisher"]?.stringValue ?? "unknown"
        let kind = bulletin?["kind"]?.stringValue == "proposal" ? "proposal" : "announcement"
        let key = bulletin?["urgency"]?.stringValue == "emergency" ? "emergency" : kind
        var properties = MessageProperties(contentType: contentType, userID: user)
        properties.replyTo = replyTo
        properties.correlationID = UUID().uuidString
        return OutgoingMessage(
            exchange: KentonganTopology.intakeExchange, routingKey: "\(key).\(publisher.prefix(100))",
            properties: properties, body: bytes)
    }
}

extension PublishedBulletin {
    /// The bulletins of a file: one JSON object, or one on each line. `file` names it in errors.
    package static func all(in bytes: [UInt8], file: String) throws(OperationError) -> [PublishedBulletin] {
        let whole = PublishedBulletin(line: 1, bytes: bytes)
        if whole.value != nil { return [whole] }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        let bulletins = lines.filter { !$1.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }.map {
            PublishedBulletin(line: $0 + 1, bytes: Array($1))
        }
        guard !bulletins.isEmpty else { throw .invalid("\(file) holds no bulletin") }
        // A broken file without an id on any line was one object over many lines.
        let isOneObject =
            bulletins.count > 1 && bulletins.allSatisfy { $0.value?["id"] == nil }
            && firstSign(bytes) == UInt8(ascii: "{")
        return isOneObject ? [whole] : bulletins
    }

    /// The first byte that is neither space nor a byte order mark.
    private static func firstSign(_ bytes: [UInt8]) -> UInt8? {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        return text.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
