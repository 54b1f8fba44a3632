import ArgumentParser
import Bulletins
import Foundation
import Intake
import Runtime
import Storage
import Worker

/// `rejected`: what was refused, and why.
struct RejectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected", abstract: "Shows what was refused, and why.",
        subcommands: [List.self, Show.self, Requeue.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists refused messages, newest first.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let found = try await CommandContext(options).store().refusals(limit: listing.count)
            Output.rows(found, listing, header: ["ID", "REASON", "PUBLISHER", "BULLETIN", "WHY"]) {
                $0.json
            } table: {
                ["\($0.number)", $0.reason, $0.publisher ?? "?", $0.bulletinID ?? "?", $0.why]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a refused message with all that is wrong with it.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64
        @Flag(help: "Prints JSON.") var json = false

        func run() async throws {
            let found = try await CommandContext(options).store().knownRefusal(id)
            json ? printJSON(found) : printText(found)
        }

        private func printJSON(_ message: RefusedMessage) {
            var object = message.json
            if let body = String(validating: message.body, as: UTF8.self) {
                object["body"] = .string(body)
            } else {
                object["bodyBase64"] = .string(Data(message.body).base64EncodedString())
            }
            Output.jsonLine(object)
        }

        private func printText(_ message: RefusedMessage) {
            Output.line(
                "\(message.number): \(message.reason), \(message.size) bytes from \(message.queue) at \(message.receivedAt.text)"
            )
            for error in message.errorValues {
                Output.line(
                    "  \(error["path"]?.stringValue ?? "")  \(error["code"]?.stringValue ?? ""): \(error["message"]?.stringValue ?? "")"
                )
            }
            Output.lines(String(decoding: message.body, as: UTF8.self))
        }
    }
}

extension RejectedCommand {
    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Judges a refused message again, and takes it if it is good now.",
            discussion: "For a message that was refused before its publisher, region or field was registered.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            let context = try await CommandContext(options)
            let store = try context.store()
            let found = try await store.knownRefusal(id)
            if let requeuedAt = found.requeuedAt {
                throw RefusedInput("\(id) was requeued at \(requeuedAt.text) already")
            }
            let judge = MessageJudge(
                registries: try context.registries(), requiresUser: context.settings.broker.requiresUser)
            let opened = judge.open(found.body, size: UInt64(found.size), found.envelope)
            let publishers = try await store.publishers(named: Set([opened.publisher].compactMap(\.self)))
            let now = WallClock.system.now
            let judged = judge.judge(
                opened, publisher: publishers[opened.publisher ?? ""], queue: found.queue, now: now)
            if let refusal = try await store.refusal(of: judged, now: now) {
                throw RefusedInput("\(id) is still refused as \(refusal.reason.rawValue): \(refusal.sentence)")
            }
            let outcome = try await store.record([judged], now: now).first
            if case .refused(let reason) = outcome { throw RefusedInput("\(id) is refused as \(reason.rawValue)") }
            try await store.markRequeued(id, now: now)
            Output.line("\(id) is taken: \(outcome?.word ?? "")")
        }
    }
}

extension OperatorStore {
    fileprivate func knownRefusal(_ number: Int64) async throws -> RefusedMessage {
        guard let found = try await refusal(number) else {
            throw RefusedInput("there is no refused message \(number); list them with: kentongan rejected list")
        }
        return found
    }
}

extension IntakeStore {
    /// What is still wrong, by the message itself or by what the store knows. Asked before it is recorded: a second
    /// refusal of the same message would be told its publisher again.
    fileprivate func refusal(of message: IncomingBulletin, now: Timestamp) async throws -> Refusal? {
        switch message.judgement {
        case .refused(let refusal): return refusal
        case .accepted(let accepted):
            if case .refused(let refusal) = try await rehearse([accepted], now: now).first { return refusal }
            return nil
        }
    }
}

extension RefusedMessage {
    fileprivate var errorValues: [JSONValue] { (try? JSONParser.parse(Array(errors.utf8)))?.arrayValue ?? [] }

    fileprivate var why: String {
        errorValues.first.map { "\($0["path"]?.stringValue ?? "") \($0["message"]?.stringValue ?? "")" } ?? ""
    }

    fileprivate var json: JSONObject {
        [
            "id": .integer(number), "reason": .string(reason), "publisher": .optional(publisher),
            "bulletinId": .optional(bulletinID), "receivedAt": .time(receivedAt), "queue": .string(queue),
            "size": .integer(size), "requeuedAt": .time(requeuedAt),
            "errors": .array(errorValues), "routingKey": .string(envelope.routingKey),
            "userId": .optional(envelope.userID), "contentType": .optional(envelope.contentType),
            "contentEncoding": .optional(envelope.contentEncoding), "headers": .object(headers),
            "replyTo": .optional(envelope.replyTo), "correlationId": .optional(envelope.correlationID),
        ]
    }

    private var headers: JSONObject {
        var object = envelope.otherHeaders
        for (name, text) in envelope.headers.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
        return object
    }
}

extension Refusal {
    /// All errors in one line.
    fileprivate var sentence: String { errors.map { "\($0.path) \($0.message)" }.joined(separator: "; ") }
}

extension IntakeOutcome {
    fileprivate var word: String {
        switch self {
        case .accepted(let state): state.rawValue
        case .duplicate: "it is known already, and nothing is sent again"
        case .refused(let reason): reason.rawValue
        }
    }
}
