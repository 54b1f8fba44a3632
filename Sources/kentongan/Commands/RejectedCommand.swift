import ArgumentParser
import Bulletins
import Foundation
import Storage

/// `rejected`: what was refused, and why.
struct RejectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected", abstract: "Shows what was refused, and why.", subcommands: [List.self, Show.self])

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
            guard let found = try await CommandContext(options).store().refusal(id) else {
                throw RefusedInput("there is no refused message \(id); list them with: kentongan rejected list")
            }
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
            print(
                "\(message.number): \(message.reason), \(message.size) bytes from \(message.queue) at \(message.receivedAt.text)"
            )
            for error in message.errorValues {
                print(
                    "  \(error["path"]?.stringValue ?? "")  \(error["code"]?.stringValue ?? ""): \(error["message"]?.stringValue ?? "")"
                )
            }
            print(String(decoding: message.body, as: UTF8.self))
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
            "size": .integer(size),
            "errors": .array(errorValues),
        ]
    }
}
