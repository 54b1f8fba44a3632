import Administration
import ArgumentParser
import Bulletins
import Worker

extension SubscriptionsCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Challenges a subscription's webhook, and turns it on once it has answered.",
            discussion: """
                A signed POST of the type endpoint.verification, to be answered with 2xx and its challenge in the first \
                16 KiB. A webhook that was turned off comes back in the same way.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "A subscription's number.") var id: Int64

        func run() async throws {
            let context = try await CommandContext(options)
            let store = try context.store()
            try await SubscriptionOperations(.operator, store: store).verify(id, context.challenge(store))
            Output.line("the webhook of subscription \(id) is verified")
        }
    }

    struct RotateSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-secret", abstract: "Gives a subscription's webhook new keys.",
            discussion: """
                The new secret is shown this once. Until the overlap ends the present keys sign too, and \
                webhook-signature holds the signatures of both. It counts for all subscriptions of the webhook.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "A subscription's number.") var id: Int64
        @Option(help: "Hours that the present keys still sign; 0 ends them immediately.") var overlap = 24
        @Flag(help: "Prints a JSON line.") var json = false

        func validate() throws {
            guard (0...8760).contains(overlap) else { throw ValidationError("--overlap must be from 0 to 8760 hours") }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let publicURL = context.settings.http.publicURL
            let (rotated, overlapEnds) = try await SubscriptionOperations(.operator, store: try context.store())
                .rotateSecret(of: id, overlap: .seconds(overlap * 3600))
            if json { return Output.jsonLine(rotated.json(publicURL: publicURL)) }
            Output.line(rotated.sentence(publicURL: publicURL))
            if overlap > 0 { Output.line("the keys before sign too until \(overlapEnds.text)") }
        }
    }
}
