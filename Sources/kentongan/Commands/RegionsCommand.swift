import ArgumentParser
import Bulletins

/// `regions`: looks regions up.
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
            let tree = try await CommandContext(options).registries().regions
            let found = tree.search(text.joined(separator: " "), limit: listing.count)
            Output.rows(found, listing, header: ["CODE", "NAME"]) { region in
                [
                    "code": .string(region.code), "name": .optional(tree.name(of: region)),
                    "level": .number(region.level.rawValue), "path": .string(tree.fullName(of: region)),
                ]
            } table: {
                [$0.code, tree.fullName(of: $0)]
            }
        }
    }
}
