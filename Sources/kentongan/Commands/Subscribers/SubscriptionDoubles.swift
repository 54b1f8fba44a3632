import Administration
import ArgumentParser
import Bulletins

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
            let subscribers = SubscriberOperations(.operator, store: try await CommandContext(options).store())
            let doubles = try await subscribers.doubles()
            for double in doubles {
                let isMerged = merge ? try await subscribers.merge(double) : false
                if json {
                    Output.jsonLine(double.json(isMerged: isMerged))
                } else {
                    Output.line(double.sentence(isMerged: isMerged))
                }
            }
            if doubles.isEmpty, !json { Output.line("each address has one endpoint") }
        }
    }
}
