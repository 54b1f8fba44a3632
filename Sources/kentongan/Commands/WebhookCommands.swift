import ArgumentParser
import Bulletins
import NIOPosix
import Runtime
import Storage
import Worker

extension SubscriptionsCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Challenges a subscription's webhook, and turns it on once it has answered.",
            discussion: """
                A signed POST of the type endpoint.verification, to be answered with 2xx and its challenge in the first \
                16 KiB. So also a webhook that was turned off comes back.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "A subscription's number.") var id: Int64

        func run() async throws {
            let context = try await CommandContext(options)
            _ = try await Self.verify(id, try context.store(), context)
            Output.line("the webhook of subscription \(id) is verified")
        }

        /// When it was verified.
        static func verify(_ id: Int64, _ store: any Store, _ context: CommandContext) async throws -> Timestamp {
            let now = WallClock.system.now
            guard let webhook = try await store.webhook(of: id, now: now) else { throw RefusedInput.noWebhook(id) }
            if webhook.isActive { return now }
            let problem = try await context.settings.webhooks.challenge(
                webhook, of: store, on: MultiThreadedEventLoopGroup.singleton, logger: context.logger, now: now)
            if let problem {
                throw RefusedInput(
                    "the webhook of subscription \(id) is not verified: \(problem); "
                        + "once it answers: kentongan subscriptions verify \(id)")
            }
            try await store.markVerified(endpoint: webhook.signing.endpoint, now: now)
            return now
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
        @Option(help: "Hours that the present keys still sign; 0 ends them at once.") var overlap = 24
        @Flag(help: "Prints a JSON line.") var json = false

        func validate() throws {
            guard (0...8760).contains(overlap) else { throw ValidationError("--overlap must be from 0 to 8760 hours") }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let now = WallClock.system.now
            let overlapEnds = now + .seconds(overlap * 3600)
            let rotated = try await context.store().rotateSecret(
                ofSubscription: id, overlapEnds: overlapEnds, now: now)
            guard let rotated else { throw RefusedInput.noWebhook(id) }
            if json { return Output.jsonLine(rotated.json(publicURL: context.settings.http.publicURL)) }
            Output.line(rotated.sentence(publicURL: context.settings.http.publicURL))
            if overlap > 0 { Output.line("the keys before sign too until \(overlapEnds.text)") }
        }
    }
}

extension RefusedInput {
    fileprivate static func noWebhook(_ id: Int64) -> RefusedInput {
        RefusedInput("there is no webhook's subscription \(id); list them with: kentongan subscriptions list")
    }
}
