import AMQP
import Bulletins
import Foundation
import Intake

/// The bulletins in a file: one JSON object, or one on each line.
enum PublishedFile {
    struct Entry {
        let line: Int
        let bytes: [UInt8]

        var value: JSONValue? { try? JSONParser.parse(bytes) }

        /// As publishers send it.
        func message(user: String, replyTo: String?) -> OutgoingMessage {
            let value = value
            let publisher = value?["publisher"]?.stringValue ?? "unknown"
            let kind = value?["kind"]?.stringValue == "proposal" ? "proposal" : "announcement"
            let key = value?["urgency"]?.stringValue == "emergency" ? "emergency" : kind
            var properties = MessageProperties(contentType: "application/json", userID: user)
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
        if (try? JSONParser.parse(bytes)) != nil { return [Entry(line: 1, bytes: bytes)] }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        let entries = lines.filter { !$1.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }.map {
            Entry(line: $0 + 1, bytes: Array($1))
        }
        // What is cut or broken may have been one object over many lines.
        let isOneObject =
            entries.count > 1 && entries.allSatisfy { $0.value?["id"] == nil } && bytes.first == UInt8(ascii: "{")
        guard !entries.isEmpty else { throw RefusedInput("\(file) holds no bulletin") }
        return isOneObject ? [Entry(line: 1, bytes: bytes)] : entries
    }
}
