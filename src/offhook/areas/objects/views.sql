-- What each number of the PBX is; the kind is the word of its destination. Extensions are asked before this.
CREATE VIEW v_numbers AS
SELECT number, 'ivr' AS kind FROM ivrs
UNION ALL SELECT number, 'ringgroup' FROM ringgroups
UNION ALL SELECT number, 'queue' FROM queues
UNION ALL SELECT number, 'conference' FROM conferences
UNION ALL SELECT number, 'conference' FROM instant_conferences
UNION ALL SELECT number, 'paging' FROM paginggroups;
