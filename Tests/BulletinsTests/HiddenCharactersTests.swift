import Testing

@testable import Bulletins

struct HiddenCharactersTests {
    private var all: [Unicode.Scalar] { (UInt32(0)...0x10FFFF).compactMap { Unicode.Scalar($0) } }

    @Test func hostileCharactersAreInvisibleAndHidden() {
        for scalar in all where HiddenCharacters.isHostile(scalar) {
            #expect(HiddenCharacters.isInvisible(scalar), "\(HiddenCharacters.name(scalar))")
            #expect(HiddenCharacters.isHidden(scalar), "\(HiddenCharacters.name(scalar))")
        }
    }

    @Test func hostileCharactersAreRemovedAndLinesKept() {
        for scalar in all where HiddenCharacters.isHostile(scalar) && scalar != "\n" && scalar != "\t" {
            let clean = HiddenCharacters.dropped(from: "a\(scalar)b")
            #expect(["ab", "a b", "a\u{FFFD}b"].contains(clean), "\(HiddenCharacters.name(scalar))")
        }
        #expect(HiddenCharacters.dropped(from: "a\n\tb") == "a\n\tb")
    }

    @Test(arguments: ["", " ", "\u{A0}\u{200D}", "\u{3164}", "\u{202E}"])
    func textsOfInvisibleCharactersAreBlank(text: String) { #expect(!HiddenCharacters.hasVisible(text)) }
}
