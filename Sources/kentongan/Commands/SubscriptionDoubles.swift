import ArgumentParser
import Bulletins
import Runtime
import Storage

extension SubscriptionsCommand {
    struct Doubles: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists addresses that an older version took for several, by their spellings.",
            discussion: """
                Each gets its mails several times. With --merge the first spelling takes over the subscriptions and the \
                history of the others; links in mails that were sent go on to work. Webhooks are only listed, since each has \
                a secret that its receiver counts on: end the subscriptions of all but one.
                """)

        @OptionGroup var options: CommonOptions
        @Flag(help: "Makes one endpoint of the spellings of each email address.") var merge = false
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let store = try await CommandContext(options).store()
            let doubles = try await store.addressDoubles()
            for double in doubles {
                let outcome = merge ? try await store.merge(double, now: WallClock.system.now) : nil
                guard outcome != .routing else {
                    throw RefusedInput("bulletins are being routed; try again when the worker has no backlog")
                }
                print(double, isMerged: outcome == .merged)
            }
            if doubles.isEmpty, !json { Output.line("each address has one endpoint") }
        }

        private func print(_ double: AddressDouble, isMerged: Bool) {
            if json {
                return Output.jsonLine([
                    "channel": .string(double.channel.rawValue), "merged": .bool(isMerged),
                    "spellings": .array(
                        double.spellings.map {
                            [
                                "address": .string($0.address), "endpoint": .integer($0.endpoint),
                                "subscriptions": .number($0.subscriptions),
                            ]
                        }),
                ])
            }
            let spellings = double.spellings.map { "\($0.address) (\(Output.count($0.subscriptions, "subscription")))" }
            Output.line("\(double.channel.rawValue) \(spellings.joined(separator: ", "))\(isMerged ? ": now one" : "")")
        }
    }
}
