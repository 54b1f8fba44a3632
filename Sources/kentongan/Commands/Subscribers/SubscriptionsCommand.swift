import Administration
import ArgumentParser
import Bulletins
import Storage
import Worker

/// `subscriptions`: endpoints with the regions and fields that they hear.
struct SubscriptionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscriptions", abstract: "Says who hears what.",
        subcommands: [
            Add.self, List.self, Remove.self, Import.self, Export.self, Verify.self, RotateSecret.self, Doubles.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the subscriptions.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let context = try await CommandContext(options)
            let (store, publicURL) = (try context.store(), context.settings.http.publicURL)
            var rows = Listing<StoredSubscription>(
                isJSON: listing.json, header: ["ID", "CHANNEL", "REGION", "FIELD", "STATE", "FETCHED", "ADDRESS"],
                cells: Self.cells, json: { $0.json(publicURL: publicURL) })
            try await rows.print(listing, read: SubscriptionOperations(.operator, store: store).list)
        }

        private static func cells(_ row: StoredSubscription) -> [String] {
            [
                "\(row.number)", row.subscription.endpoint.channel.rawValue, row.subscription.region.code,
                row.subscription.field.description, row.state, row.fetchedAt?.text ?? "-",
                row.subscription.endpoint.address,
            ]
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a subscription, and cancels its pending deliveries.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its number.") var id: Int64

        func run() async throws {
            let store = try await CommandContext(options).store()
            try await SubscriptionOperations(.operator, store: store).remove(id)
            Output.line("subscription \(id) is ended")
        }
    }
}
