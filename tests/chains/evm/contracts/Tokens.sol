// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What all tokens here share: balances that anybody may mint, and the one event.
contract Ledger {
    event Transfer(address indexed from, address indexed to, uint256 value);
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint8 public constant decimals = 6;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function move(address from, address to, uint256 value) internal {
        require(balanceOf[from] >= value, "balance too low");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }

    function spend(address from, uint256 value) internal {
        require(allowance[from][msg.sender] >= value, "allowance too low");
        allowance[from][msg.sender] -= value;
    }
}

/// An ordinary ERC-20.
contract Token is Ledger {
    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        spend(from, value);
        move(from, to, value);
        return true;
    }

    /// A deposit by calldata: what a shop's contract might call, with a note.
    function transferWithNote(address to, uint256 value, bytes calldata) external {
        move(msg.sender, to, value);
    }
}

/// Like USDT: nothing is returned, and some addresses are on a black list.
contract Silent is Ledger {
    mapping(address => bool) public banned;

    function ban(address who) external {
        banned[who] = true;
    }

    function transfer(address to, uint256 value) external {
        require(!banned[msg.sender] && !banned[to], "banned");
        move(msg.sender, to, value);
    }
}

/// Keeps 2 percent of what is sent, yet its event says the whole.
contract Feeing is Ledger {
    function transfer(address to, uint256 value) external returns (bool) {
        require(balanceOf[msg.sender] >= value, "balance too low");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - value / 50;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

/// Says false where others revert, and moves nothing.
contract Falsy is Ledger {
    bool public open;

    function setOpen(bool value) external {
        open = value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        if (!open || balanceOf[msg.sender] < value) return false;
        move(msg.sender, to, value);
        return true;
    }
}

/// Says whatever it is told to say: events without balances, and events that are none.
contract Forger {
    event Transfer(address indexed from, address indexed to, uint256 value);

    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    function say(address from, address to, uint256 value) external {
        emit Transfer(from, to, value);
    }

    function many(address to, uint256 count) external {
        for (uint256 i = 0; i < count; i++) emit Transfer(address(uint160(i + 1)), to, 1);
    }

    /// Any topics and data under the event's name: `count` topics beside it, `size` bytes.
    function odd(uint256 count, bytes32 first, bytes32 second, bytes32 third, bytes calldata data) external {
        bytes32 name = keccak256("Transfer(address,address,uint256)");
        bytes memory copy = data;
        assembly {
            let at := add(copy, 32)
            let size := mload(copy)
            switch count
            case 0 { log1(at, size, name) }
            case 1 { log2(at, size, name, first) }
            case 2 { log3(at, size, name, first, second) }
            default { log4(at, size, name, first, second, third) }
        }
    }
}
