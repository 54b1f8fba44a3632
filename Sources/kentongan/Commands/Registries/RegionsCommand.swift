import Administration
import ArgumentParser
import Bulletins
import Storage
import Worker

/// `regions`: the registry of regions.
struct RegionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regions", abstract: "Looks regions up, and takes new codes in.",
        subcommands: [Search.self, Import.self])

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Finds regions by words of their name, or by code.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Argument(help: "Words of the name, or a code.") var text: [String]

        func run() async throws {
            let regions = RegionOperations(.operator, registries: try await CommandContext(options).registries())
            var rows = Listing<RegionView>(
                isJSON: listing.json, header: ["CODE", "NAME"], cells: { [$0.region.code, $0.path] }, json: \.json)
            rows.print(regions.search(text.joined(separator: " "), limit: listing.count))
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Takes a new set of codes in, and moves subscriptions to the regions that took the place of theirs.",
            discussion:
                "CSV holds all regions: code,name,level. --successors names the codes that replace retired ones: "
                + "old_code,new_code. Owners are told by mail. Workers take the new codes when they start next.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "A CSV file, or - for standard input.") var file: String
        @Option(help: "A CSV file of old_code,new_code.") var successors: String?
        @Flag(help: "Only says which subscriptions would move.") var dryRun = false
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let context = try await CommandContext(options)
            let old = try context.registries()
            let new = try RegionImport(
                regions: try InputFile.bytes(file), file: file,
                successors: try successors.map { try InputFile.bytes($0) }, old: old)
            let (regions, store) = (RegionOperations(.operator, registries: old), try context.store())
            if dryRun { return try await regions.plan(new, store).forEach(print) }
            let data = context.settings.data
            let files = RegionFiles(regions: data.regions, successors: data.successors)
            try await regions.replace(by: new, files, store).forEach(print)
            if !json { Output.line("\(new.tree.count - 1) regions are there; start the workers anew to use them") }
        }

        private func print(_ moved: MovedSubscription) {
            json ? Output.jsonLine(moved.json) : Output.line(moved.sentence)
        }
    }
}

/// `fields`: the registry of fields.
struct FieldsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fields", abstract: "Shows the fields that bulletins may name.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the fields.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let regions = RegionOperations(.operator, registries: try await CommandContext(options).registries())
            var rows = Listing<FieldRegistry.Entry>(
                isJSON: listing.json, header: ["CODE", "NAMA", "NAME"],
                cells: { [$0.field.code, $0.nameID, $0.nameEN] }, json: \.json)
            rows.print(regions.fields(limit: listing.count))
        }
    }
}
