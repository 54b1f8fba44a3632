import Administration
import ArgumentParser
import Bulletins
import Storage

/// `publishers`: the register of publishers.
struct PublishersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publishers", abstract: "Registers who may publish, and what for.",
        subcommands: [Add.self, List.self, Remove.self, Import.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Adds a publisher, or replaces the one of that slug.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its name in bulletins, [a-z0-9][a-z0-9.-]{1,63}.") var slug: String
        @Option(help: "Its full name.") var name: String
        @Option(help: "Its user at the broker.") var amqpUser: String
        @Option(help: "announcement or proposal; may be given more than once.") var kind: [String]
        @Option(help: "A region that it may address, with all below; may be given more than once.") var region: [String]
        @Option(help: "A field that it may address; all if none is given.") var field: [String] = []
        @Flag(help: "It may publish emergencies.") var emergency = false
        @Flag(help: "Its bulletins wait for an operator's approval.") var moderated = false
        @Flag(help: "Prints JSON.") var json = false

        func validate() throws {
            guard !kind.isEmpty, !region.isEmpty else { throw ValidationError("--kind and --region are needed") }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let publisher = try PublisherReader(CodeReader(try context.registries())).read(typed)
            try await PublisherOperations(.operator, store: try context.store()).save([publisher])
            json ? Output.jsonLine(publisher.json) : Output.line("\(slug) may publish")
        }

        private var typed: TypedPublisher {
            var typed = TypedPublisher(slug: slug, name: name, amqpUser: amqpUser, kinds: kind, regions: region)
            (typed.fields, typed.mayPublishEmergencies, typed.isModerated) = (field, emergency, moderated)
            return typed
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the publishers.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let publishers = PublisherOperations(.operator, store: try await CommandContext(options).store())
            var rows = Listing<Publisher>(
                isJSON: listing.json, header: ["SLUG", "KINDS", "REGIONS", "NAME"], cells: Self.cells, json: \.json)
            try await rows.print(listing, read: publishers.list)
        }

        private static func cells(_ publisher: Publisher) -> [String] {
            [
                publisher.slug, publisher.scope.kinds.map(\.rawValue).sorted().joined(separator: ","),
                publisher.scope.regions.map(\.code).joined(separator: ","), publisher.name,
            ]
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a publisher off the register.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its slug.") var slug: String

        func run() async throws {
            try await PublisherOperations(.operator, store: try await CommandContext(options).store()).remove(slug)
            Output.line("\(slug) is removed")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds publishers from a CSV file.",
            discussion:
                "Columns: publisher, name, region, kinds and optionally amqp-user (else the slug), fields, emergency, "
                + "moderated. Several values in a cell by |.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "A CSV file, or - for standard input.") var file: String
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let context = try await CommandContext(options)
            let reader = PublisherReader(CodeReader(try context.registries()))
            let table = try CSVTable(try InputFile.bytes(file), file: file, columns: PublisherReader.columns)
            let publishers = try table.read { try reader.read($0) }
            try await PublisherOperations(.operator, store: try context.store()).save(publishers)
            if json { return publishers.forEach { Output.jsonLine($0.json) } }
            Output.line("\(Output.count(Set(publishers.map(\.slug)).count, "publisher")) may publish")
        }
    }
}
