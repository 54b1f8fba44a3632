import AMQP
import Bulletins
import Foundation
import Intake

/// The bulletins in a file: one JSON object, or one on each line.
enum PublishedFile {
    struct Entry {
        let line: Int
        let bytes: [UInt8]
        let value: JSONValue?

        init(line: Int, bytes: [UInt8]) {
            (self.line, self.bytes) = (line, bytes)
            value = try? JSONParser.parse(bytes)
        }

        /// A CloudEvent is known by its `specversion`, which no bulletin has.
        private var contentType: String {
            value?["specversion"] == nil ? "application/json" : "application/cloudevents+json"
        }

        /// The bulletin, also where an event carries it; nil if intake cannot read it either.
        var bulletin: JSONValue? {
            let envelope = MessageEnvelope(contentType: contentType, contentEncoding: nil, headers: [:])
            return try? envelope.open(bytes).get()
        }

        /// `PUBLISHER/ID` as far as it can be read, for people.
        var name: String {
            guard let bulletin, let id = bulletin["id"]?.stringValue else { return "line \(line)" }
            return "\(bulletin["publisher"]?.stringValue ?? "?")/\(id)"
        }

        /// The message as publishers send it.
        func message(user: String?, replyTo: String?) -> OutgoingMessage {
            let bulletin = bulletin
            let publisher = bulletin?["publisher"]?.stringValue ?? "unknown"
            let kind = bulletin?["kind"]?.stringValue == "proposal" ? "proposal" : "announcement"
            let key = bulletin?["urgency"]?.stringValue == "emergency" ? "emergency" : kind
            var properties = MessageProperties(contentType: contentType, userID: user)
            properties.replyTo = replyTo
            properties.correlationID = UUID().uuidString
            return OutgoingMessage(
                exchange: KentonganTopology.intakeExchange, routingKey: "\(key).\(publisher.prefix(100))",
                properties: properties,
                body: bytes)
        }
    }

    static func bulletins(in file: String) throws -> [Entry] {
        let bytes = try InputFile.bytes(file)
        let whole = Entry(line: 1, bytes: bytes)
        if whole.value != nil { return [whole] }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        let entries = lines.filter { !$1.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }.map {
            Entry(line: $0 + 1, bytes: Array($1))
        }
        // What is cut or broken may have been one object over many lines.
        let isOneObject =
            entries.count > 1 && entries.allSatisfy { $0.value?["id"] == nil } && firstSign(bytes) == UInt8(ascii: "{")
        guard !entries.isEmpty else { throw RefusedInput("\(file) holds no bulletin") }
        return isOneObject ? [whole] : entries
    }

    /// The first byte that is neither space nor a byte order mark.
    private static func firstSign(_ bytes: [UInt8]) -> UInt8? {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        return text.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
