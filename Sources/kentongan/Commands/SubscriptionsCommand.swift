import ArgumentParser
import Bulletins
import Foundation
import HTTPPost
import Logging
import Runtime
import Storage
import Worker

/// `subscriptions`: who hears what.
struct SubscriptionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscriptions", abstract: "Says who hears what.",
        subcommands: [
            Add.self, List.self, Remove.self, Import.self, Export.self, Verify.self, RotateSecret.self, Doubles.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds subscriptions of one endpoint, verified at once unless --verify is given.",
            discussion: "One subscription for each region and field. A webhook's secret is shown this once.")

        @OptionGroup var options: CommonOptions
        @Option(help: "An email address.") var email: String?
        @Option(help: "A webhook's URL.") var webhook: String?
        @Flag(help: "A feed.") var feed = false
        @Option(help: "A region; may be given more than once.") var region: [String]
        @Option(help: "A field, or * for all; may be given more than once.") var field: [String] = []
        @Option(help: "announcement or proposal; both if none is given.") var kind: [String] = []
        @Option(help: "upward, downward or both.") var reach = "both"
        @Option(help: "immediate, or for email daily or weekly.") var frequency = "immediate"
        @Option(help: "The least urgency: routine, important or emergency.") var urgency = "routine"
        @Option(help: "id or en.") var language = "id"
        @Option(help: "The home region, whose clock says when digests come; the first region, if it is not given.")
        var home: String?
        @Option(help: "Who is told when the endpoint is turned off: an email address, or a publisher whose own it is.")
        var owner: String?
        @Option(help: "What a webhook gets: full, or thin, the bulletin's identity with a link.") var payload: String?
        @Option(help: "How a webhook is signed: v1 (HMAC), v1a (Ed25519); may be given more than once.")
        var signature: [String] = []
        @Flag(help: "Sends a webhook nothing until it has answered a challenge, which is tried at once.")
        var verify = false
        @Flag(help: "Prints JSON Lines.") var json = false

        func validate() throws {
            guard [email != nil, webhook != nil, feed].filter({ $0 }).count == 1 else {
                throw ValidationError("one of --email, --webhook and --feed is needed")
            }
            guard !region.isEmpty else { throw ValidationError("--region is needed") }
            guard webhook != nil || !verify && signature.isEmpty else {
                throw ValidationError("--verify and --signature go with --webhook")
            }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let registries = try context.registries()
            let reader = SubscriptionReader(
                codes: CodeReader(registries: registries),
                webhooks: AddressGuard(allowed: context.settings.webhooks.allowedNetworks))
            let channel: Channel = email != nil ? .email : webhook != nil ? .webhook : .feed
            let address = email ?? webhook ?? SubscriptionReader.newFeedName()
            let wanted = try region.flatMap { region in
                try (field.isEmpty ? ["*"] : field).map { field in
                    try reader.subscription(
                        channel: channel.rawValue, address: address, region: region, field: field, kinds: kind,
                        reach: reach, urgency: urgency, frequency: frequency, language: language, payload: payload)
                }
            }
            let store = try context.store()
            let (subscriber, terms) = (try reader.subscriber(owner: owner, home: home), try terms())
            let present = try await present(at: wanted, terms, store)
            var made = try await store.add(
                wanted, of: subscriber, terms: terms,
                zones: registries.timeZones, now: WallClock.system.now)
            // What is told of keys is told whatever the answer, since it may take them to give the right one.
            let problem = try await challenge(&made, store, context)
            made.forEach(print)
            // Another command may have made the webhook meanwhile.
            if let fault = made.lazy.compactMap({ $0.webhook.flatMap { terms.fault(against: $0.schemes) } }).first {
                throw RefusedInput(fault)
            }
            try tellChanges(made, wanted, present)
            if let problem { context.logger.warning("\(problem)") }
            func print(_ stored: StoredSubscription) {
                if json { return Output.jsonLine(stored.json(publicURL: context.settings.http.publicURL)) }
                Output.line(stored.sentence(publicURL: context.settings.http.publicURL))
            }
        }

        /// What the endpoint has, where nothing that its receiver counts on would change.
        private func present(at wanted: [Subscription], _ terms: EndpointRequest, _ store: any Store) async throws
            -> [Int64: Subscription]
        {
            let found = try await store.subscriptions(at: Array(Set(wanted.map(\.endpoint))))
            for stored in found {
                if let schemes = stored.webhook?.schemes, let fault = terms.fault(against: schemes) {
                    throw RefusedInput(fault)
                }
            }
            return Dictionary(found.map { ($0.number, $0.subscription) }, uniquingKeysWith: { first, _ in first })
        }

        /// Says what became of terms that were there before; refuses those that stayed as they were.
        private func tellChanges(
            _ made: [StoredSubscription], _ wanted: [Subscription], _ present: [Int64: Subscription]
        ) throws {
            for (stored, wanted) in zip(made, wanted) {
                guard stored.subscription.differences(from: wanted).isEmpty else {
                    throw RefusedInput(stored.fault(against: wanted))
                }
                let changes = present[stored.number].map { stored.subscription.differences(from: $0) } ?? []
                if !changes.isEmpty, !json {
                    Output.line("subscription \(stored.number) has now \(changes.joined(separator: "; "))")
                }
            }
        }

        private func terms() throws -> EndpointRequest {
            let schemes = signature.isEmpty ? nil : try SubscriptionReader.schemes(signature)
            return EndpointRequest(isVerified: !verify, signatures: schemes)
        }

        /// Challenges a webhook that is not verified; what was wrong.
        private func challenge(_ made: inout [StoredSubscription], _ store: any Store, _ context: CommandContext)
            async throws -> RefusedInput?
        {
            guard let first = made.first, first.state == "unverified" else { return nil }
            do {
                let verifiedAt = try await Verify.verify(first.number, store, context)
                for index in made.indices { (made[index].state, made[index].verifiedAt) = ("active", verifiedAt) }
                return nil
            } catch let error as RefusedInput {
                return error
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the subscriptions.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let store = try context.store()
            let publicURL = context.settings.http.publicURL
            guard !listing.json else {
                return try await store.eachSubscription(limit: listing.count) {
                    Output.jsonLine($0.json(publicURL: publicURL))
                }
            }
            let found = try await store.subscriptions(limit: listing.count)
            Output.rows(found, listing, header: ["ID", "CHANNEL", "REGION", "FIELD", "STATE", "FETCHED", "ADDRESS"]) {
                $0.json(publicURL: publicURL)
            } table: {
                [
                    "\($0.number)", $0.subscription.endpoint.channel.rawValue, $0.subscription.region.code,
                    $0.subscription.field.description, $0.state, $0.fetchedAt?.text ?? "-",
                    $0.subscription.endpoint.address,
                ]
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a subscription; what it made pending is cancelled.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            guard try await CommandContext(options).store().removeSubscription(id, now: WallClock.system.now) else {
                throw RefusedInput(
                    "there is no active subscription \(id); list them with: kentongan subscriptions list")
            }
            Output.line("subscription \(id) is ended")
        }
    }
}
